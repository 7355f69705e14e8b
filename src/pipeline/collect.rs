//! The collect step: bring the signed package and its metadata back, and offer only what is whole.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::path::Path;

use super::hand::{Go, Hand};
use super::service::Service;
use crate::digest;
use crate::outbox::{CERTIFICATION, METADATA, Outbox, SHELL, SIGNED};
use dropship_hardware::{DownloadKind, DriverMetadata};
use dropship_job::{Asset, Event, Fault};
use dropship_package::Facts;
use dropship_redact::SafeUrl;

/// Brings everything into the outbox.
pub(super) async fn run<S: Service>(hand: &mut Hand<'_, S>) -> Go {
    let service = hand.service().await?;
    let dossier = hand.dossier().await?;
    let submission = hand.look(&service).await?;
    let outbox = hand.context.outbox(&hand.job);
    if let Err(error) = outbox.prepare() {
        return hand.unwritable(&outbox, &error).await;
    }
    let Some(signed) = submission.download(&DownloadKind::SignedPackage) else {
        return hand.look_again(hand.context.settings.sign, "the signed package is not offered yet").await;
    };
    let metadata = submission.download(&DownloadKind::DriverMetadata);
    if metadata.is_none() && !dossier.plan.labels.is_empty() {
        return hand.look_again(hand.context.settings.sign, "the driver metadata is not offered yet").await;
    }
    let facts = dossier.facts;
    fetch(hand, &service, &signed, &outbox, SIGNED, move |path| check_signed(path, &facts)).await?;
    if let Some(url) = metadata {
        fetch(hand, &service, &url, &outbox, METADATA, check_metadata).await?;
    }
    // Nice to have: a job does not wait for them.
    for (kind, name) in
        [(DownloadKind::CertificationReport, CERTIFICATION), (DownloadKind::DerivedPackage, SHELL)]
    {
        let Some(url) = submission.download(&kind) else { continue };
        let staged = outbox.staging(name);
        let fetched = hand.unless_draining(service.download(&url, &staged)).await?;
        let fetched = fetched.map_err(|error| error.to_string());
        let offered = fetched.and_then(|_| outbox.publish(name).map_err(|error| error.to_string()));
        if let Err(error) = offered {
            crate::observe::left_out(&hand.job, name, &error);
        }
    }
    let files = match assets(&outbox) {
        Ok(files) => files,
        Err(error) => return hand.unwritable(&outbox, &error).await,
    };
    let collected = vec![Event::Collected { files }];
    if hand.job.labels.is_empty() { hand.succeed(collected).await } else { hand.record(collected).await }
}

/// Fetches one result; it appears once `check` has found nothing wrong with it.
async fn fetch<S: Service>(
    hand: &mut Hand<'_, S>,
    service: &S,
    url: &SafeUrl,
    outbox: &Outbox,
    name: &str,
    check: impl FnOnce(&Path) -> Result<(), String> + Send + 'static,
) -> Go {
    // What lies there already may be of an earlier job: each job brings its own.
    let staged = outbox.staging(name);
    if let Err(error) = hand.unless_draining(service.download(url, &staged)).await? {
        return hand.transfer_trouble(&error).await;
    }
    let path = staged.clone();
    let verdict = tokio::task::spawn_blocking(move || check(&path)).await;
    let verdict = verdict.unwrap_or_else(|error| Err(format!("its check failed: {error}")));
    if let Err(why) = verdict {
        // A file that is whole but wrong would only be resumed: it has to go.
        drop(std::fs::remove_file(&staged));
        let message = format!("what the service offers as {name} is no good: {why}; it is fetched again");
        return hand.stumble(Fault::new("bad-download", message), None).await;
    }
    match outbox.publish(name) {
        Ok(()) => Ok(()),
        Err(error) => hand.unwritable(outbox, &error).await,
    }
}

/// The signed package opens as a ZIP, every CRC is right, and it holds the package's INFs.
fn check_signed(path: &Path, facts: &Facts) -> Result<(), String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let mut zip = zip::ZipArchive::new(file).map_err(|error| format!("it is no ZIP: {error}"))?;
    let mut names = BTreeSet::new();
    for index in 0..zip.len() {
        let mut entry = zip.by_index(index).map_err(|error| format!("entry {index}: {error}"))?;
        let name = String::from_utf8_lossy(entry.name_raw()).replace('\\', "/").to_lowercase();
        io::copy(&mut entry, &mut io::sink()).map_err(|error| format!("`{name}`: {error}"))?;
        names.extend(name.rsplit('/').next().map(str::to_owned));
    }
    match facts.infs.iter().find(|inf| !names.contains(&inf.name.to_lowercase())) {
        Some(inf) => Err(format!("it does not hold {}", inf.name)),
        None => Ok(()),
    }
}

fn check_metadata(path: &Path) -> Result<(), String> {
    let text = std::fs::read(path).map_err(|error| error.to_string())?;
    serde_json::from_slice::<DriverMetadata>(&text).map(|_| ()).map_err(|error| error.to_string())
}

/// The results that lie in the outbox now.
fn assets(outbox: &Outbox) -> io::Result<Vec<Asset>> {
    let mut files = Vec::new();
    for name in [SIGNED, METADATA, CERTIFICATION, SHELL] {
        let path = outbox.folder().join(name);
        if path.exists() {
            let (sha256, size) = digest::copied(&mut File::open(&path)?, &mut io::sink())?;
            files.push(Asset { name: name.to_owned(), size, sha256 });
        }
    }
    Ok(files)
}
