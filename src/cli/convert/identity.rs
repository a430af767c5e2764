//! The bundle's identity.

use super::super::args::Convert;
use super::super::expected::Expected;
use super::super::material::Material;
use super::{past, targets};
use crate::bundle::identity::Identity;
use crate::certificate::UnixTime;
use crate::encoding::hex;
use crate::error::Error;
use crate::history::Past;
use crate::history::limit::Limit;
use crate::input::whole;
use crate::limits::MAP_FILE_BYTES;
use crate::pipeline::Reading;
use crate::pipeline::open::Opened;

/// The bundle's identity: a hash over all that decides its content.
pub(super) fn identity(
    args: &Convert,
    expected: &Expected,
    at: UnixTime,
    opened: &Opened,
    material: &Material,
    (policy, reading): (&str, &Reading),
    (past, limit): (Option<&Past>, Limit),
) -> Result<[u8; 32], Error> {
    let mut id = Identity::new();
    id.field("at", &at.to_string());
    id.field("policy", policy);
    id.field("manifest", &format!("{:?}", args.manifest));
    id.field("crls", &format!("{}", material.crls_given));
    id.field("trust", &format!("{}", !args.judging.trust.is_empty()));
    id.field("unverified", &format!("{}", args.unverified));
    id.field("thorough", &format!("{}", args.thorough));
    id.field("source-rules", &format!("{:?}", args.source_rules));
    id.field("url-root", &format!("{}", args.url_root.is_some()));
    id.field("batch", &args.batch.to_string());
    for target in targets(args) {
        id.field("target", &format!("{target:?}"));
    }
    if let Some(page) = reading.ldif.code_page {
        id.field("encoding", page.name());
    }
    expected.identify(&mut id);
    past::identify(past, limit, &mut id);
    for (name, path) in [("map", &args.map), ("recipient-map", &args.recipient_map)] {
        if let Some(path) = path {
            let whole = whole::read(path, MAP_FILE_BYTES)
                .map_err(|source| Error::Read { path: path.clone(), source })?;
            id.field(name, &hex(&whole.sha256));
        }
    }
    for (name, list) in
        [("anchor", &material.anchors), ("intermediate", &material.intermediates), ("crl", &material.crls)]
    {
        for der in list {
            id.bytes(name, der);
        }
    }
    if let Some(sha256) = &material.kept_sha256 {
        id.field("keep-trust", &hex(sha256));
    }
    for source in &opened.sources {
        id.field("input", &hex(&source.sha256));
    }
    Ok(id.finish())
}
