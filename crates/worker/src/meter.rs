//! What is counted of requests, and who is told of each.

use std::sync::Arc;
use std::time::Duration;

use rwsgi_http::{Finished, Meter};
use rwsgi_os::{Scoreboard, Slot, Statsd};

use crate::course::micros;

/// Counts the requests of one worker in its slot of the scoreboard, and sends them to a statsd.
#[derive(Debug)]
pub(crate) struct RequestMeter {
    scoreboard: Arc<Scoreboard>,
    slot: usize,
    /// Whether anybody reads the counters.
    counts: bool,
    statsd: Option<Arc<Statsd>>,
}

impl RequestMeter {
    /// `None` where nobody wants to know.
    pub(crate) fn wanted(
        place: (Arc<Scoreboard>, usize),
        counts: bool,
        statsd: Option<Arc<Statsd>>,
    ) -> Option<Arc<dyn Meter>> {
        let (scoreboard, slot) = place;
        (counts || statsd.is_some()).then(|| Arc::new(Self { scoreboard, slot, counts, statsd }) as _)
    }

    fn slot(&self) -> &Slot {
        self.scoreboard.slot(self.slot)
    }

    fn count(&self, request: &Finished<'_>) {
        let slot = self.slot();
        let counters = &slot.counters;
        slot.active.decrement();
        counters.request(request.method.as_str(), request.first_byte.map(|_| request.status));
        counters.duration.record(micros(request.duration));
        request.queued.into_iter().for_each(|queued| counters.queue_time.record(micros(queued)));
        counters.bytes_in.add(request.bytes_in);
        counters.bytes_out.add(request.bytes_out);
    }
}

impl Meter for RequestMeter {
    fn finished(&self, request: &Finished<'_>) {
        if self.counts {
            self.count(request);
        }
        if let Some(statsd) = &self.statsd {
            tell(statsd, request);
        }
    }

    fn begun(&self) {
        if self.counts {
            self.slot().active.increment();
        }
    }

    fn refused(&self, status: u16) {
        self.slot().counters.refuse(status);
    }
}

/// The first three as Gunicorn sends them, in its order.
fn tell(statsd: &Statsd, request: &Finished<'_>) {
    statsd.timing("gunicorn.request.duration", request.duration);
    statsd.count("gunicorn.requests", 1);
    statsd.count(&format!("gunicorn.request.status.{}", request.status), 1);
    statsd.timing("gunicorn.request.queue_time", request.queued.unwrap_or(Duration::ZERO));
}

#[cfg(test)]
mod tests {
    use http::Method;
    use rwsgi_http::End;
    use rwsgi_os::Stage;

    use super::*;

    #[test]
    fn a_request_is_counted_once_it_is_over() {
        let scoreboard = Arc::new(Scoreboard::new(1).unwrap());
        scoreboard.slot(0).claim(1, Stage::Ready);
        assert!(RequestMeter::wanted((Arc::clone(&scoreboard), 0), false, None).is_none());
        let meter = RequestMeter::wanted((Arc::clone(&scoreboard), 0), true, None).unwrap();
        let slot = scoreboard.slot(0);
        meter.begun();
        assert_eq!(slot.active.load(), 1);
        let finished = Finished {
            method: &Method::POST,
            status: 404,
            duration: Duration::from_millis(3),
            queued: Some(Duration::from_micros(70)),
            first_byte: Some(Duration::from_millis(2)),
            bytes_in: 7,
            bytes_out: 11,
            end: End::Complete,
        };
        meter.finished(&finished);
        let counters = &slot.counters;
        assert_eq!((slot.active.load(), counters.requests[2][3].load()), (0, 1));
        assert_eq!((counters.bytes_in.load(), counters.bytes_out.load()), (7, 11));
        meter.begun();
        meter.finished(&Finished { status: 499, first_byte: None, queued: None, ..finished });
        assert_eq!(counters.requests[2][5].load(), 1, "no answer at all");
        meter.refused(414);
        assert_eq!(counters.refused.iter().map(rwsgi_os::Counter::load).sum::<u64>(), 1);
    }
}
