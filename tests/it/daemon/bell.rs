//! Counts how often a future is woken, whoever wakes it and whatever runs beside it.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

/// Rung by whoever wakes the future. Two rings before it could look count once.
#[derive(Default)]
pub struct Bell {
    is_rung: AtomicBool,
    wakes: AtomicUsize,
    outer: Mutex<Option<Waker>>,
}

impl Bell {
    /// How often it was woken so far.
    pub fn wakes(&self) -> usize {
        self.wakes.load(Ordering::Relaxed)
    }

    /// The same future, polled only when the bell was rung; at first once.
    pub async fn counting<F: Future>(self: &Arc<Self>, future: F) -> F::Output {
        let mut future = pin!(future);
        let waker = Waker::from(Arc::clone(self));
        self.is_rung.store(true, Ordering::Relaxed);
        poll_fn(|context| {
            *self.outer.lock().unwrap() = Some(context.waker().clone());
            if self.is_rung.swap(false, Ordering::Relaxed) {
                future.as_mut().poll(&mut Context::from_waker(&waker))
            } else {
                Poll::Pending
            }
        })
        .await
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        if !self.is_rung.swap(true, Ordering::Relaxed) {
            self.wakes.fetch_add(1, Ordering::Relaxed);
        }
        if let Some(outer) = &*self.outer.lock().unwrap() {
            outer.wake_by_ref();
        }
    }
}
