//! How long each case takes: `make micro`. Without `--bench`, as `cargo test` starts it, each runs once.

use std::time::Duration;

use criterion::Criterion;
use rwsgi_micro::{cases, with_python};

fn main() {
    with_python(|| {
        let short = Criterion::default()
            .warm_up_time(Duration::from_secs(1))
            .measurement_time(Duration::from_secs(3));
        let mut criterion = short.without_plots().configure_from_args();
        for mut case in cases() {
            criterion.bench_function(case.name, |bencher| bencher.iter(&mut case.run));
        }
        criterion.final_summary();
    });
}
