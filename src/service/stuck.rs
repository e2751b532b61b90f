//! Finds a worker that hangs in one call. Each call has a shorter deadline, but librdkafka does not keep all of them.

use std::{sync::Arc, time::Duration};

use crate::kafka::worker::WorkerStatus;

/// Time between two looks at the workers.
const PERIOD: Duration = Duration::from_secs(5);
/// A worker hangs after this many looks at the same step, two minutes. Counts looks, not time, since a stopped
/// process does not look.
const LOOKS: u32 = 24;

/// Waits until a worker that has started hangs, and says which one.
pub async fn first(workers: &[Arc<WorkerStatus>]) -> usize {
    let mut seen = vec![(0, 0); workers.len()];
    loop {
        tokio::time::sleep(PERIOD).await;
        for (number, (worker, (step, looks))) in workers.iter().zip(&mut seen).enumerate() {
            let now = worker.steps();
            *looks = if now > 0 && now == *step { *looks + 1 } else { 0 };
            *step = now;
            if *looks >= LOOKS {
                return number;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::timeout;

    use super::*;

    const LONG: Duration = Duration::from_secs(3600);

    #[tokio::test(start_paused = true)]
    async fn a_worker_that_goes_on_or_has_not_started_is_left_alone() {
        let workers = [Arc::default(), Arc::default()];
        let [waiting, working]: &[Arc<WorkerStatus>; 2] = &workers;
        let work = async {
            loop {
                working.step();
                tokio::time::sleep(PERIOD * 20).await;
            }
        };
        tokio::select! {
            number = first(&workers) => panic!("worker {number} is not stuck"),
            () = work => {}
            () = tokio::time::sleep(LONG) => {}
        }
        assert_eq!(waiting.steps(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_worker_that_hangs_is_found() {
        let workers = [Arc::default(), Arc::default()];
        let [_, hanging]: &[Arc<WorkerStatus>; 2] = &workers;
        hanging.step();
        assert_eq!(timeout(LONG, first(&workers)).await, Ok(1));
    }
}
