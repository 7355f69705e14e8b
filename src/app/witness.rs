//! What the daemon does with what happens, besides log, queue and receipt.

use crate::pipeline::Witness;
use crate::pulse::{Beat, Pulse};

pub(super) struct DaemonWitness {
    dispatcher: Beat,
}

impl DaemonWitness {
    pub(super) fn new(pulse: &Pulse) -> Self {
        let dispatcher = Beat::default();
        pulse.listen("dispatcher", &dispatcher);
        Self { dispatcher }
    }
}

impl Witness for DaemonWitness {
    fn beat(&self) {
        self.dispatcher.beat();
    }
}
