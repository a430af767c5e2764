//! Certificate policies by the graph of RFC 9618.
//!
//! RFC 5280 describes a tree that grows exponentially with crafted mappings. RFC 9618 shows that one
//! node a policy and level is enough when a node may have several parents. Here a level is what one
//! certificate adds; a node without parents hangs from anyPolicy of the level above.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::certificate::oid::ANY_POLICY;

type Id = Box<[u8]>;

/// One certificate's part of the graph: policies, each with the policies above that it comes from
/// (none: it comes from anyPolicy), and whether anyPolicy itself is still there.
#[derive(Clone, Debug, Default)]
pub(super) struct Level {
    nodes: BTreeMap<Id, BTreeSet<Id>>,
    any: bool,
}

impl Level {
    fn is_empty(&self) -> bool {
        self.nodes.is_empty() && !self.any
    }
}

/// The graph after some certificates, and what the next one may say.
#[derive(Clone, Debug)]
pub(super) struct Graph {
    done: Vec<Arc<Level>>,
    next: Level,
}

impl Graph {
    /// Before the first certificate: anyPolicy (RFC 9618 section 4.2).
    pub(super) fn new() -> Self {
        Self { done: Vec::new(), next: Level { nodes: BTreeMap::new(), any: true } }
    }

    /// Before the first certificate, when the anchor's own policies count.
    pub(super) fn of_anchor(policies: &[&[u8]]) -> Self {
        let any = policies.contains(&ANY_POLICY);
        let nodes =
            policies.iter().filter(|p| **p != ANY_POLICY).map(|p| (Id::from(*p), BTreeSet::new())).collect();
        Self { done: Vec::new(), next: Level { nodes, any } }
    }

    /// Whether nothing is left: valid_policy_graph is NULL.
    pub(super) fn is_null(&self) -> bool {
        self.next.is_empty()
    }

    /// RFC 5280 section 6.1.3 (d), (e): takes the policies of the next certificate, `None` when it
    /// has no such extension.
    pub(super) fn step(&mut self, policies: Option<&[&[u8]]>, any_allowed: bool) {
        let level = &mut self.next;
        let Some(policies) = policies else {
            *level = Level::default();
            return;
        };
        let above_any = level.any;
        if !(policies.contains(&ANY_POLICY) && any_allowed) {
            level.nodes.retain(|id, _| policies.contains(&&**id));
            level.any = false;
        }
        if above_any {
            for policy in policies.iter().filter(|p| **p != ANY_POLICY) {
                level.nodes.entry(Id::from(*policy)).or_default();
            }
        }
    }

    /// RFC 5280 section 6.1.4 (b): applies the mappings and opens the level of the next certificate.
    pub(super) fn map(&mut self, mappings: &[(&[u8], &[u8])], allowed: bool) {
        let level = &mut self.next;
        let mut pairs: Vec<(Id, Id)> = Vec::new();
        if allowed {
            for (issuer, subject) in mappings {
                if level.any {
                    level.nodes.entry(Id::from(*issuer)).or_default();
                }
                if level.nodes.contains_key(*issuer) {
                    pairs.push((Id::from(*issuer), Id::from(*subject)));
                }
            }
        } else {
            mappings.iter().for_each(|(issuer, _)| {
                level.nodes.remove(*issuer);
            });
        }
        for id in level.nodes.keys() {
            if !(allowed && mappings.iter().any(|(issuer, _)| *issuer == &**id)) {
                pairs.push((id.clone(), id.clone()));
            }
        }
        let mut next = Level { nodes: BTreeMap::new(), any: level.any };
        for (issuer, subject) in pairs {
            next.nodes.entry(subject).or_default().insert(issuer);
        }
        self.done.push(Arc::new(std::mem::replace(&mut self.next, next)));
    }

    /// RFC 5280 section 6.1.5 (g) as RFC 9618 section 5.3 puts it, after the last certificate's
    /// [`Graph::step`]: the policies of the anchor's domain under which the path is valid, limited to
    /// what the user asked for (empty: any). Sorted; anyPolicy alone when any policy is left.
    pub(super) fn user_constrained(&self, wanted: &[Vec<u8>]) -> Vec<Vec<u8>> {
        let mut found: BTreeSet<Id> = BTreeSet::new();
        let mut reachable: BTreeSet<Id> = self.next.nodes.keys().cloned().collect();
        let mut level = &self.next;
        let mut above = self.done.iter().rev();
        loop {
            let mut up = BTreeSet::new();
            for id in &reachable {
                match level.nodes.get(id) {
                    Some(parents) if parents.is_empty() => {
                        found.insert(id.clone());
                    }
                    Some(parents) => up.extend(parents.iter().cloned()),
                    None => {}
                }
            }
            match above.next() {
                Some(next) => (level, reachable) = (next, up),
                None => break,
            }
        }
        let any = self.next.any;
        let wants_any = wanted.is_empty() || wanted.iter().any(|w| w == ANY_POLICY);
        let mut result: Vec<Vec<u8>> = match (wants_any, any) {
            (true, true) => vec![ANY_POLICY.to_vec()],
            (true, false) => found.iter().map(|id| id.to_vec()).collect(),
            (false, true) => wanted.to_vec(),
            (false, false) => wanted.iter().filter(|w| found.contains(w.as_slice())).cloned().collect(),
        };
        result.sort_unstable();
        result.dedup();
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &[u8] = &[1];
    const B: &[u8] = &[2];
    const C: &[u8] = &[3];

    #[test]
    fn mappings_lead_back_to_the_first_domain() {
        let mut graph = Graph::new();
        graph.step(Some(&[A, B]), true);
        graph.map(&[(A, C)], true);
        graph.step(Some(&[C]), false);
        assert_eq!(graph.user_constrained(&[]), [A.to_vec()], "C stands for A of the first domain");
        assert!(graph.user_constrained(&[C.to_vec()]).is_empty());
        assert_eq!(graph.user_constrained(&[A.to_vec()]), [A.to_vec()]);
    }

    #[test]
    fn inhibited_mapping_removes_the_policy() {
        let mut graph = Graph::new();
        graph.step(Some(&[A]), true);
        graph.map(&[(A, C)], false);
        graph.step(Some(&[A, C]), false);
        assert!(graph.is_null());
    }

    #[test]
    fn any_policy_goes_on_only_while_allowed() {
        let mut graph = Graph::new();
        graph.step(Some(&[ANY_POLICY]), true);
        graph.map(&[], true);
        graph.step(Some(&[B]), false);
        assert_eq!(graph.user_constrained(&[]), [B.to_vec()]);
        let mut graph = Graph::new();
        graph.step(Some(&[ANY_POLICY]), false);
        assert!(graph.is_null());
        let mut graph = Graph::new();
        graph.step(Some(&[ANY_POLICY]), true);
        assert_eq!(graph.user_constrained(&[]), [ANY_POLICY.to_vec()]);
        assert_eq!(graph.user_constrained(&[B.to_vec()]), [B.to_vec()]);
    }

    #[test]
    fn crafted_mappings_stay_small() {
        // Twenty levels of every policy mapped to every other: 10^20 nodes in a tree.
        let ids: Vec<Vec<u8>> = (1..=10).map(|n| vec![n]).collect();
        let all: Vec<&[u8]> = ids.iter().map(Vec::as_slice).collect();
        let pairs: Vec<(&[u8], &[u8])> = all.iter().flat_map(|a| all.iter().map(move |b| (*a, *b))).collect();
        let mut graph = Graph::new();
        for _ in 0..20 {
            graph.step(Some(&all), false);
            graph.map(&pairs, true);
        }
        graph.step(Some(&all), false);
        assert_eq!(graph.user_constrained(&[]).len(), 10);
    }
}
