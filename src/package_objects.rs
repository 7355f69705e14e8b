//! The object storage of `[store] packages`.

use std::sync::Arc;

use anyhow::Context as _;

use dropship_config::model::{ObjectPlace, Store};
use dropship_engine::package_store::{PackageObjects, PackageStore};

/// The captured packages of a configuration, for reading: nothing is created or deleted.
///
/// # Errors
/// When the credentials of the object storage cannot be read or used.
pub fn for_reading(store: &Store) -> anyhow::Result<PackageStore> {
    Ok(PackageStore::for_reading(store.packages()).with_objects(connect(store)?))
}

/// The captured packages of a configuration, for a daemon. Object storage that is away takes seconds.
///
/// # Errors
/// When the folder cannot be opened or cleaned up, or the credentials of the object storage cannot be read or used.
pub async fn open(store: &Store) -> anyhow::Result<PackageStore> {
    let client_config = store.clone();
    // Only this runs on another thread, and may go on after the caller has given up. The folder may then be opened again at once.
    let objects = tokio::task::spawn_blocking(move || connect(&client_config)).await??;
    let folder = store.packages();
    let opened = match store.node() {
        Some(node) => PackageStore::open_of_node(folder, node),
        None => PackageStore::open(folder),
    };
    let packages = opened.with_context(|| format!("cannot open {}", folder.display()))?;
    Ok(packages.keeping_free(store.min_free).with_objects(objects))
}

/// The client of the object storage, if the configuration names one. It may be away.
///
/// # Errors
/// When the credentials cannot be read or used.
#[cfg(feature = "postgres")]
pub fn connect(store: &Store) -> anyhow::Result<Option<Arc<dyn PackageObjects>>> {
    store.objects().map(connect_to).transpose()
}

/// The client of an object storage. It may be away.
///
/// # Errors
/// When the credentials cannot be read or used.
#[cfg(feature = "postgres")]
pub fn connect_to(place: &ObjectPlace) -> anyhow::Result<Arc<dyn PackageObjects>> {
    objects::connect(place)
}

/// Not called: validation refuses a configuration with object storage.
///
/// # Errors
/// Always: this program was built without object storage.
#[cfg(not(feature = "postgres"))]
pub fn connect_to(_: &ObjectPlace) -> anyhow::Result<Arc<dyn PackageObjects>> {
    anyhow::bail!("this dropship was built without object storage")
}

/// Not called: validation refuses a configuration with object storage.
///
/// # Errors
/// None.
#[cfg(not(feature = "postgres"))]
pub fn connect(_: &Store) -> anyhow::Result<Option<Arc<dyn PackageObjects>>> {
    Ok(None)
}

#[cfg(feature = "postgres")]
mod objects {
    use std::fs::File;
    use std::io;
    use std::path::{Path, PathBuf};
    use std::sync::Arc;
    use std::time::SystemTime;

    use anyhow::Context as _;

    use dropship_config::model::ObjectPlace;
    use dropship_engine::package_store::{CopyFacts, ObjectChange, PackageObjects};
    use dropship_objects::{Address, Fetched, Objects, Settings};

    pub(super) fn connect(place: &ObjectPlace) -> anyhow::Result<Arc<dyn PackageObjects>> {
        let address = Address::parse(&place.url)?;
        let settings = settings(place)?;
        Ok(Arc::new(RemoteObjects(Objects::connect(&address, &settings).context("[store] packages")?)))
    }

    fn settings(place: &ObjectPlace) -> anyhow::Result<Settings> {
        let variables = std::env::vars_os();
        let variables =
            variables.filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        let mut settings = Settings::of_environment(variables);
        if let Some(path) = &place.credentials {
            let text = std::fs::read_to_string(path).with_context(|| {
                format!("[store] packages_credentials_file: cannot read {}", path.display())
            })?;
            settings = settings.with_file(&text).with_context(|| path.display().to_string())?;
        }
        let read = |path: &PathBuf| {
            std::fs::read(path).with_context(|| format!("[store] ca_file: cannot read {}", path.display()))
        };
        Ok(settings.with_roots(place.ca_file.as_ref().map(read).transpose()?))
    }

    #[derive(Debug)]
    struct RemoteObjects(Objects);

    impl PackageObjects for RemoteObjects {
        fn place(&self) -> String {
            self.0.place().to_owned()
        }

        fn away(&self) -> Option<String> {
            self.0.away()
        }

        fn put_new(&self, name: &str, file: &Path) -> io::Result<()> {
            Ok(self.0.put_new(name, file)?)
        }

        fn put(&self, name: &str, bytes: Vec<u8>) -> io::Result<()> {
            Ok(self.0.put(name, bytes)?)
        }

        fn update(&self, name: &str, max_bytes: u64, change: &mut ObjectChange<'_>) -> io::Result<bool> {
            Ok(self.0.update(name, max_bytes, change)?)
        }

        fn get(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
            Ok(self.0.get(name)?)
        }

        fn get_many(&self, names: &[String], max_bytes: u64) -> io::Result<Vec<Option<Vec<u8>>>> {
            Ok(self.0.get_many(names, max_bytes)?)
        }

        fn fetch(&self, name: &str, to: File, max_bytes: u64) -> io::Result<CopyFacts> {
            Ok(facts(self.0.fetch(name, to, max_bytes)?))
        }

        fn facts(&self, name: &str) -> io::Result<CopyFacts> {
            Ok(facts(self.0.examine(name)?))
        }

        fn folders(&self) -> io::Result<Vec<String>> {
            Ok(self.0.folders()?)
        }

        fn folders_with(&self, below: &str, name: &str) -> io::Result<Vec<String>> {
            Ok(self.0.folders_with(below, name)?)
        }

        fn names(&self, folder: &str) -> io::Result<Vec<(String, SystemTime)>> {
            Ok(self.0.names(folder)?)
        }

        fn delete(&self, name: &str) -> io::Result<()> {
            Ok(self.0.delete(name)?)
        }

        fn delete_folder(&self, folder: &str) -> io::Result<()> {
            Ok(self.0.delete_folder(folder)?)
        }
    }

    fn facts(Fetched { sha256, size }: Fetched) -> CopyFacts {
        CopyFacts { sha256, size }
    }
}
