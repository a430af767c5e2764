//! certferry.
fn main() {}
