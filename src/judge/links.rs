//! Which authorities a published certificate rests on, for the trust store.

use super::{Draft, Judge, Paths};
use crate::certificate::Certificate;
use crate::object::Object;
use crate::trust::{Link, Need, is_authority};

impl Judge<'_> {
    /// Notes the authorities on the paths of a published value, each once for a recipient: those of the
    /// certificate to encrypt to, and those of signing certificates beside it. Where a path is the
    /// certificate alone, that is what it rests on.
    pub(super) fn links(&self, draft: &Draft<'_>, object: &Object, links: &mut Vec<Link>) {
        let Paths::Verified(engine) = &self.paths else { return };
        let of_signers = draft.signers.iter().map(|chain| (chain, true));
        for (chain, signer) in std::iter::once((&draft.chain, false)).chain(of_signers) {
            let last = chain.len().saturating_sub(1);
            let alone = last == 0 && !signer;
            let itself = alone && !draft.certificate.is_some_and(is_authority);
            for (position, sha256) in chain.iter().enumerate().skip(usize::from(!alone)) {
                let need = Need { anchor: position == last, itself, signer };
                if let Some(link) = links.iter_mut().find(|link| link.sha256 == *sha256) {
                    link.need.unite(need);
                    continue;
                }
                let shared = engine.certificate(sha256).is_some();
                let der = if shared { None } else { came_along(draft, object, sha256) };
                links.push(Link { sha256: *sha256, der, need });
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
