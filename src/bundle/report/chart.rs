//! Bars as inline SVG. A table with the same numbers always stands beside them, so that nothing depends on
//! seeing the picture.

use maud::{Markup, html};

/// Width and height of the drawing, in its own units.
const WIDTH: u64 = 960;
const HEIGHT: u64 = 220;
/// Room for the labels below the bars and the number above them.
const BELOW: u64 = 48;
const ABOVE: u64 = 20;

/// A column for each name. The tallest fills the height; every other one is in proportion, and one that is not
/// zero is seen. Only every third name is written, the second first, because twenty-four do not fit beside each other and
/// the outermost would be cut off.
#[must_use]
pub fn columns(title: &str, bars: &[(String, u64)]) -> Markup {
    let most = bars.iter().map(|(_, count)| *count).max().unwrap_or_default().max(1);
    let step = WIDTH / (bars.len() as u64).max(1);
    let room = HEIGHT - BELOW - ABOVE;
    let height = |count: u64| {
        let exact = u128::from(count) * u128::from(room) / u128::from(most);
        (exact as u64).max(u64::from(count > 0))
    };
    html! {
        svg viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-label=(title) {
            @for (at, (name, count)) in (0u64..).zip(bars) {
                @let tall = height(*count);
                rect x=(at * step + 3) y=(ABOVE + room - tall) width=(step.saturating_sub(6)) height=(tall)
                    fill="#1f4e79" {}
                @if *count > 0 {
                    text x=(at * step + step / 2) y=(ABOVE + room - tall - 4) text-anchor="middle" { (count) }
                }
                @if at % 3 == 1 {
                    text x=(at * step + step / 2) y=(HEIGHT - BELOW + 18) text-anchor="middle" { (name) }
                }
            }
            line x1="0" y1=(HEIGHT - BELOW) x2=(WIDTH) y2=(HEIGHT - BELOW) stroke="#1a1c1e" {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_number_is_seen_and_a_large_one_fits() {
        let bars = [("a".to_owned(), 0), ("<b>".to_owned(), 1), ("c".to_owned(), u64::MAX)];
        let svg = columns("people", &bars).into_string();
        assert!(svg.contains("height=\"1\""), "{svg}");
        assert!(svg.contains(&format!("height=\"{}\"", HEIGHT - BELOW - ABOVE)), "{svg}");
        assert!(svg.contains("&lt;b&gt;") && !svg.contains("<b>"));
    }
}
