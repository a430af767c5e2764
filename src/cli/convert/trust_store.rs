//! The trust store of the run: built when everything was judged, its findings told.

use super::super::material::Material;
use super::{Run, valid_until};
use crate::bundle::model::FindingCertificate;
use crate::encoding::hex;
use crate::error::Error;
use crate::judge::{Judge, Paths};
use crate::rules::{Finding, run as run_rules};
use crate::trust::TrustStore;

impl Run<'_> {
    /// Decides what trust.sst holds.
    pub(super) fn trust_store(
        &mut self,
        judge: &Judge<'_>,
        material: &Material,
    ) -> Result<TrustStore, Error> {
        let engine = match &judge.paths {
            Paths::Verified(engine) => Some(&**engine),
            Paths::Unverified | Paths::Missing => None,
        };
        let until = valid_until(judge.at, judge.policy.policy());
        let store = TrustStore::build(&self.authorities, &material.kept, engine, judge.at, until)?;
        if matches!(judge.paths, Paths::Unverified) && self.counts.published > 0 {
            let holds = match store.counts() {
                (0, _) => "there is no trust.sst".to_owned(),
                (all, _) => format!("trust.sst holds only what --keep-trust gave ({all} certificates)"),
            };
            let finding = Finding::new(
                &run_rules::TRUST_STORE_NOT_MADE,
                format!(
                    "no path was verified (--unverified), so no authority of the {} published certificates is known; {holds}",
                    self.counts.published
                ),
                "--trust with the root certificate of the CA",
            );
            self.finding(&finding, None)?;
        }
        for (finding, sha256) in &store.findings {
            let about = FindingCertificate { sha256: Some(hex(sha256)), attribute: None, index: None };
            self.finding_about(finding, Some(about), None)?;
        }
        Ok(store)
    }
}
