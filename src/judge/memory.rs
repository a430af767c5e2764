//! What a worker remembers between recipients. It changes the speed and never the result.

use std::collections::HashMap;
use std::rc::Rc;

use crate::census::keys::{Hash, hash, short};
use crate::certificate::{Certificate, Extension, Name, oid};
use crate::limits::{REMEMBERED_ISSUERS, REMEMBERED_OUTCOMES};
use crate::path::{Engine, Outcome};
use crate::rules::usage::internal_crl_point;

/// Bounded by [`REMEMBERED_OUTCOMES`] and [`REMEMBERED_ISSUERS`]: what does not fit is found out again.
#[derive(Default)]
pub struct Memory {
    outcomes: HashMap<(Hash, Hash), Rc<Outcome>>,
    /// Issuers' names as they are shown, by their bytes: few authorities sign most certificates.
    issuers: HashMap<Vec<u8>, String>,
    /// The answers of [`internal_crl_point`], by the extension's value: authorities write the same into all.
    crl_points: HashMap<Vec<u8>, Option<String>>,
}

impl Memory {
    /// The name of an issuer as it is shown.
    pub(super) fn issuer(&mut self, name: Name<'_>) -> String {
        if let Some(known) = self.issuers.get(name.raw()) {
            return known.clone();
        }
        let text = name.to_text();
        if self.issuers.len() >= REMEMBERED_ISSUERS {
            self.issuers.clear();
        }
        self.issuers.insert(name.raw().to_vec(), text.clone());
        text
    }

    /// What [`internal_crl_point`] says of a certificate.
    pub(super) fn internal_crl_point(&mut self, certificate: &Certificate<'_>) -> Option<String> {
        let points = |extension: &&Extension<'_>| extension.id.0 == oid::CRL_DISTRIBUTION_POINTS;
        let mut points = certificate.extensions().iter().filter(points);
        let (Some(only), None) = (points.next(), points.next()) else {
            return internal_crl_point(certificate);
        };
        if let Some(known) = self.crl_points.get(only.value) {
            return known.clone();
        }
        let point = internal_crl_point(certificate);
        if self.crl_points.len() >= REMEMBERED_ISSUERS {
            self.crl_points.clear();
        }
        self.crl_points.insert(only.value.to_vec(), point.clone());
        point
    }

    /// What the engine says about a certificate beside others of the same value or file.
    pub(super) fn outcome(
        &mut self,
        engine: &Engine<'_>,
        certificate: &Certificate<'_>,
        extra: &[&Certificate<'_>],
    ) -> Rc<Outcome> {
        // What the run knows anyway changes nothing, so that a certificate is one and the same in an attribute of
        // its own and in a container beside its issuers.
        let target = certificate.sha256();
        let (mut pool, mut others) = (Vec::new(), Vec::new());
        for other in extra {
            if !engine.holds(other) && other.sha256() != target {
                pool.extend_from_slice(&other.sha256());
                others.push((*other).clone());
            }
        }
        let key = (short(&target), if pool.is_empty() { [0; 16] } else { hash(&pool) });
        if let Some(known) = self.outcomes.get(&key) {
            return Rc::clone(known);
        }
        let outcome = Rc::new(engine.validate(certificate, &others));
        if self.outcomes.len() >= REMEMBERED_OUTCOMES {
            self.outcomes.clear();
        }
        self.outcomes.insert(key, Rc::clone(&outcome));
        outcome
    }
}
