//! certferry: carries users' S/MIME certificates across an air gap.

use std::process::ExitCode;

/// What one thread makes and another one frees costs no more than what stays where it was made.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    // A panic is a defect of the program: it gets an exit code of its own, and unwinding has already
    // removed what was staged.
    std::panic::catch_unwind(certferry::cli::run)
        .map_or(ExitCode::from(certferry::error::exit::INTERNAL), ExitCode::from)
}
