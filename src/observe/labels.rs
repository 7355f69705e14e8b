//! What is told of a label that exists.

use super::Shown;
use dropship_job::{Event, Job};

/// One event of a label: one line.
pub(super) fn told(job: &Job, event: &Event) {
    let (name, package) = (event.name(), Shown(&job.package.name));
    let of = |index: &usize| {
        let label = job.labels.get(*index);
        let title = label.map_or("?", |label| &label.name);
        (title, label.and_then(|label| label.creation.id()))
    };
    match event {
        Event::Withdrawn { label, by } => {
            let (title, id) = of(label);
            job_line!(
                warn,
                job,
                name,
                None,
                id,
                "{package}: label `{title}` is withdrawn, asked for by {by}"
            );
        }
        Event::Edited { label, by, update } => {
            let (title, id) = of(label);
            job_line!(warn, job, name, None, id, "{package}: label `{title}` was changed by {by}: {update}");
        }
        Event::TakenOver { label, from, rows } => {
            let (title, id) = of(label);
            let text = match id == Some(*from) {
                true => {
                    format!("label `{title}` gave {rows} hardware ids up to a newer one, published before it")
                }
                false => format!("label `{title}` took {rows} hardware ids over from label {from}"),
            };
            job_line!(info, job, name, None, id, "{package}: {text}");
        }
        Event::Superseded { label } => {
            let (title, id) = of(label);
            job_line!(debug, job, name, None, id, "{package}: label `{title}` has nothing left to take over");
        }
        _ => {}
    }
}
