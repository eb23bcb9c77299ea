//! The interpreter and the applications of `apps/measured.py`.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rwsgi_wsgi::{
    Application, Bridge, Deadline, Embedding, NoTime, Options, boot, prepend_paths, run_python,
};

/// Runs `work` on the calling thread, which keeps the GIL as the leader of a worker does. Once for each process.
pub fn with_python<T>(work: impl FnOnce() -> T) -> T {
    let executable = env!("RWSGI_BUILD_PYTHON").into();
    boot(&Embedding { executable, argv: Vec::new() }).expect("this program was built with that Python");
    let applications = Path::new(env!("CARGO_MANIFEST_DIR")).join("apps");
    prepend_paths(&[applications]).expect("`sys.path` is a list");
    run_python(work)
}

/// A bridge to the application of this name; for the rest of the process.
pub(crate) fn bridge(name: &str) -> Bridge<'static> {
    let application = Application::load(&format!("measured:{name}")).expect("it is in `apps/measured.py`");
    let options = Options {
        server_software: "rwsgi".to_owned(),
        multithread: false,
        multiprocess: true,
        headers: Arc::default(),
        watched: Arc::default(),
        errors: |_| {},
        is_descendant: || false,
    };
    Bridge::new(Box::leak(Box::new(application)), &options, Box::new(Unlimited)).expect("there is memory")
}

/// Requests that may run for ever.
#[derive(Debug)]
struct Unlimited;

impl Deadline for Unlimited {
    fn remaining(&self) -> Result<Option<Duration>, NoTime> {
        Ok(None)
    }

    fn extend(&self, _: Duration) -> Result<(), NoTime> {
        Ok(())
    }
}
