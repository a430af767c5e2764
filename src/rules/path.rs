//! Findings of the path engine, as rules.
