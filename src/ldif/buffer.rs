//! Buffers that grow with what is read into them, are zeroed once in their life, and are reused.

use super::limits::{GIANT, GROWTH, ROOMY};

/// The capacity that a buffer of so many bytes asks for.
pub(crate) fn capacity(bytes: usize) -> usize {
    if bytes > ROOMY { bytes.max(GIANT) } else { bytes }
}

/// Makes a buffer at least so long, and no longer than that: doubling would hold twice the largest record.
pub(crate) fn lengthen(buffer: &mut Vec<u8>, len: usize) {
    if buffer.len() < len {
        buffer.reserve_exact(capacity(len) - buffer.len());
        buffer.resize(len, 0);
    }
}

/// Makes a buffer at least so long, and longer than needed, for values to come: up to double, at most [`GROWTH`] more.
#[inline]
pub(super) fn grow(buffer: &mut Vec<u8>, need: usize) {
    if buffer.len() < need {
        grown(buffer, need);
    }
}

/// Happens a few times in the life of a buffer, while it is asked for with every value.
#[cold]
fn grown(buffer: &mut Vec<u8>, need: usize) {
    lengthen(buffer, need.max(buffer.len() + buffer.len().min(GROWTH)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ldif::limits::LARGE;

    #[test]
    fn buffers_grow_by_what_is_needed_and_not_to_double_a_giant() {
        let mut buffer = Vec::new();
        let mut after = |need| {
            grow(&mut buffer, need);
            (buffer.len(), buffer.capacity() >= buffer.len())
        };
        assert_eq!(after(0), (0, true));
        assert_eq!(after(100), (100, true));
        assert_eq!(after(101), (200, true));
        assert_eq!(after(150), (200, true));
        assert_eq!(after(LARGE), (LARGE, true));
        assert_eq!(after(LARGE + 1), (LARGE + GROWTH, true));
        assert!(buffer.capacity() >= GIANT, "given back at once when it is freed");
        lengthen(&mut buffer, LARGE + GROWTH + 1);
        assert_eq!(buffer.len(), LARGE + GROWTH + 1);
    }
}
