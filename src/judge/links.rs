//! Which authorities a published certificate rests on, for the trust store.

use super::{Draft, Judge, Paths};
use crate::certificate::Certificate;
use crate::object::Object;
use crate::trust::Link;

impl Judge<'_> {
    /// Notes the certificates of a published one's path, each once for a recipient. Where the path is
    /// the certificate alone, that is what it rests on.
    pub(super) fn links(&self, draft: &Draft<'_>, object: &Object, links: &mut Vec<Link>) {
        let Paths::Verified(engine) = &self.paths else { return };
        let last = draft.chain.len().saturating_sub(1);
        let itself = last == 0;
        for (position, sha256) in draft.chain.iter().enumerate().skip(usize::from(!itself)) {
            let anchor = position == last;
            match links.iter_mut().find(|link| link.sha256 == *sha256) {
                Some(link) => {
                    link.anchor |= anchor;
                    link.itself |= itself;
                }
                None => {
                    let shared = engine.certificate(sha256).is_some();
                    let der = if shared { None } else { came_along(draft, object, sha256) };
                    links.push(Link { sha256: *sha256, der, anchor, itself });
                }
            }
        }
    }
}

/// A certificate of the value or of the file that it stood in.
fn came_along(draft: &Draft<'_>, object: &Object, sha256: &[u8; 32]) -> Option<Vec<u8>> {
    let of_file = object.chain.iter().filter_map(|der| Certificate::parse(der).ok());
    let mut all = draft.others.iter().map(|other| (*other).clone()).chain(of_file);
    all.find(|other| other.sha256() == *sha256).map(|other| other.der().to_vec())
}
