//! Objects below a prefix, for threads that may block.

use std::fs::File;
use std::future::Future;
use std::io::ErrorKind;
use std::path::Path as FilePath;
use std::str::FromStr as _;
use std::sync::{Arc, mpsc};
use std::time::{Duration, SystemTime};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey, S3ConditionalPut};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::path::Path;
use object_store::{
    BackoffConfig, Certificate, ClientOptions, ObjectStore, ObjectStoreExt as _, PutPayload, RetryConfig,
};
use tokio::runtime::Runtime;

use crate::address::{Address, ServiceKind};
use crate::error::{ObjectError, describe};
use crate::reachability::Reachability;
use crate::settings::Settings;
use crate::transfer;

/// Maximum time of a call about small objects.
const SMALL: Duration = Duration::from_secs(20);

/// Maximum time of a call that reads or writes a whole package.
const WHOLE_PACKAGE: Duration = Duration::from_secs(30 * 60);

/// Maximum time to list all objects.
const LIST: Duration = Duration::from_secs(5 * 60);

/// Maximum time of one request, which has one part at most.
const REQUEST: Duration = Duration::from_secs(60);

/// Maximum time to connect.
const CONNECT: Duration = Duration::from_secs(5);

/// Maximum size of a small object in bytes.
const LARGEST_SMALL: u64 = 64 << 20;

/// Maximum number of times that an object is read and written because another program writes it too.
const UPDATES: usize = 8;

/// Number of small objects that are read at the same time.
const READS_AT_ONCE: usize = 16;

/// The new bytes of an object, from those that it has; none to leave it as it is.
pub type ObjectChange<'a> = dyn FnMut(Option<&[u8]>) -> std::io::Result<Option<Vec<u8>>> + 'a;

/// Digest and size of an object that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// SHA-256 of its bytes, lower-case hex.
    pub sha256: String,
    /// Its size in bytes.
    pub size: u64,
}

/// Objects below a prefix. Names have parts that are separated by `/`; the first one is a folder.
pub struct Objects {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
    reachability: Reachability,
    address: String,
    runtime: Option<Runtime>,
}

impl Objects {
    /// Prepares the client, and checks whether the storage responds. The storage may be away.
    ///
    /// # Errors
    /// When no client can be built from the settings.
    pub fn connect(address: &Address, settings: &Settings) -> Result<Self, ObjectError> {
        let unusable =
            |what: String| ObjectError::Local(std::io::Error::new(std::io::ErrorKind::InvalidInput, what));
        let store = client(address, settings).map_err(|error| unusable(describe(&error)))?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("objects")
            .enable_all()
            .build()?;
        let prefix = Path::from(address.prefix.as_str());
        let address = address.to_string();
        let reachability =
            Reachability::new(Arc::clone(&store), prefix.clone(), address.clone(), runtime.handle().clone());
        let objects = Self { store, prefix, reachability, address, runtime: Some(runtime) };
        let reachability = objects.reachability.clone();
        // The result is noted: intake waits while the storage is away.
        drop(objects.call(SMALL, async move { reachability.probe().await }));
        Ok(objects)
    }

    /// The address.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.address
    }

    /// Why the storage does not respond, while it does not.
    #[must_use]
    pub fn away(&self) -> Option<String> {
        self.reachability.away()
    }

    /// Writes a file as a new object. If there is one of the name, it has the same bytes. When this returns, the object was read again.
    ///
    /// # Errors
    /// [`ObjectError::Altered`] if the object has other bytes; otherwise, when the object cannot be written or read, or the file
    /// cannot be read.
    pub fn put_new(&self, name: &str, file: &FilePath) -> Result<(), ObjectError> {
        tracing::debug!("writes the object {name} to {}", self.address);
        let (store, at, file) = (Arc::clone(&self.store), self.path(name), file.to_owned());
        self.call(WHOLE_PACKAGE, async move { transfer::put_new(&*store, &at, &file).await })
    }

    /// Writes a small object. Replaces an object of the same name.
    ///
    /// # Errors
    /// When the object cannot be written.
    pub fn put(&self, name: &str, bytes: Vec<u8>) -> Result<(), ObjectError> {
        let (store, at) = (Arc::clone(&self.store), self.path(name));
        self.call(SMALL, async move {
            store
                .put(&at, PutPayload::from(bytes))
                .await
                .map(drop)
                .map_err(|error| ObjectError::of(&error, at.as_ref()))
        })
    }

    /// Writes what `change` makes of a small object (`None`: there is none), and reads it again. If another program writes it in
    /// between, `change` is called again, with the new bytes. An object that is longer than `longest` is cut off. Returns whether it
    /// was written: not if `change` returns `None`.
    ///
    /// # Errors
    /// When `change` fails, or the object cannot be read or written. [`ObjectError::Contended`] when other programs keep writing
    /// the object.
    pub fn update(
        &self,
        name: &str,
        longest: u64,
        change: &mut ObjectChange<'_>,
    ) -> Result<bool, ObjectError> {
        let (at, mut why) = (self.path(name), String::new());
        for _ in 0..UPDATES {
            let (store, path) = (Arc::clone(&self.store), at.clone());
            let current =
                self.call(SMALL, async move { transfer::get_version(&*store, &path, longest).await })?;
            let Some(new) = change(current.as_ref().map(|(bytes, _)| &**bytes))? else { return Ok(false) };
            let (store, path, bytes) = (Arc::clone(&self.store), at.clone(), new.clone());
            let version = current.map(|(_, version)| version);
            let refused =
                self.call(SMALL, async move { transfer::replace(&*store, &path, version, bytes).await })?;
            match refused {
                Some(refused) => why = refused,
                None if self.get(name)?.as_deref() == Some(&*new) => return Ok(true),
                None => "it has other bytes than were written".clone_into(&mut why),
            }
        }
        Err(ObjectError::Contended { name: name.to_owned(), why })
    }

    /// A small object; `None`: there is none.
    ///
    /// # Errors
    /// When the object cannot be read, or has more than 64 MiB.
    pub fn get(&self, name: &str) -> Result<Option<Vec<u8>>, ObjectError> {
        let (store, at) = (Arc::clone(&self.store), self.path(name));
        self.call(SMALL, async move { transfer::get(&*store, &at, LARGEST_SMALL).await })
    }

    /// Small objects, each with at most `longest` bytes. An object that does not exist, or is longer, is `None`.
    ///
    /// # Errors
    /// When one of the objects cannot be read.
    pub fn get_many(&self, names: &[String], longest: u64) -> Result<Vec<Option<Vec<u8>>>, ObjectError> {
        let (store, names) = (Arc::clone(&self.store), names.iter().map(|name| self.path(name)));
        let read = names.map(move |at| {
            let store = Arc::clone(&store);
            async move {
                match transfer::get(&*store, &at, longest).await {
                    Err(ObjectError::Local(error)) if error.kind() == ErrorKind::FileTooLarge => Ok(None),
                    read => read,
                }
            }
        });
        let read: Vec<_> = read.collect();
        self.call(LIST, async move { stream::iter(read).buffered(READS_AT_ONCE).try_collect().await })
    }

    /// Writes an object to a file. One with more than `longest` bytes is cut off soon after them.
    ///
    /// # Errors
    /// [`ObjectError::NotFound`] if there is no object; otherwise, when the object cannot be read, or the file cannot be written.
    pub fn fetch(&self, name: &str, to: File, longest: u64) -> Result<Fetched, ObjectError> {
        let (store, at) = (Arc::clone(&self.store), self.path(name));
        let fetched =
            self.call(WHOLE_PACKAGE, async move { transfer::fetch(&*store, &at, to, longest).await });
        fetched.map(|(sha256, size)| Fetched { sha256, size })
    }

    /// Reads an object for its digest and size.
    ///
    /// # Errors
    /// [`ObjectError::NotFound`] if there is no object; otherwise, when the object cannot be read.
    pub fn examine(&self, name: &str) -> Result<Fetched, ObjectError> {
        let (store, at) = (Arc::clone(&self.store), self.path(name));
        let read = self.call(WHOLE_PACKAGE, async move { transfer::examine(&*store, &at).await });
        read.map(|(sha256, size)| Fetched { sha256, size })
    }

    /// The folders below the prefix.
    ///
    /// # Errors
    /// When the folders cannot be listed.
    pub fn folders(&self) -> Result<Vec<String>, ObjectError> {
        let (store, prefix) = (Arc::clone(&self.store), self.prefix.clone());
        self.call(SMALL, async move {
            let listed = store.list_with_delimiter(Some(&prefix)).await;
            let listed = listed.map_err(|error| ObjectError::of(&error, prefix.as_ref()))?;
            Ok(listed.common_prefixes.iter().filter_map(|path| path.filename().map(str::to_owned)).collect())
        })
    }

    /// The folders below this one that have an object of this name; an empty name is the prefix itself.
    ///
    /// # Errors
    /// When the objects cannot be listed.
    pub fn folders_with(&self, below: &str, name: &str) -> Result<Vec<String>, ObjectError> {
        let (store, prefix, name) = (Arc::clone(&self.store), self.path(below), name.to_owned());
        self.call(LIST, async move {
            let listed = store.list(Some(&prefix)).try_filter_map(async |object| {
                let parts: Vec<_> = object.location.prefix_match(&prefix).into_iter().flatten().collect();
                Ok(match &parts[..] {
                    [folder, last] if last.as_ref() == name => Some(folder.as_ref().to_owned()),
                    _ => None,
                })
            });
            listed.try_collect().await.map_err(|error| ObjectError::of(&error, prefix.as_ref()))
        })
    }

    /// The names of the objects in a folder, without the folder, and when each was written.
    ///
    /// # Errors
    /// When the objects cannot be listed.
    pub fn names(&self, folder: &str) -> Result<Vec<(String, SystemTime)>, ObjectError> {
        let (store, at) = (Arc::clone(&self.store), self.path(folder));
        self.call(SMALL, async move {
            let listed: Result<Vec<_>, _> = store.list(Some(&at)).try_collect().await;
            let listed = listed.map_err(|error| ObjectError::of(&error, at.as_ref()))?;
            let name = |path: &Path| path.filename().map(str::to_owned);
            Ok(listed
                .iter()
                .filter_map(|object| Some((name(&object.location)?, object.last_modified.into())))
                .collect())
        })
    }

    /// Deletes an object, if there is one.
    ///
    /// # Errors
    /// When the object cannot be deleted.
    pub fn delete(&self, name: &str) -> Result<(), ObjectError> {
        let (store, at) = (Arc::clone(&self.store), self.path(name));
        self.call(SMALL, async move { delete(&*store, &at).await })
    }

    /// Deletes all objects of a folder.
    ///
    /// # Errors
    /// When the objects cannot be listed or deleted.
    pub fn delete_folder(&self, folder: &str) -> Result<(), ObjectError> {
        let (store, at) = (Arc::clone(&self.store), self.path(folder));
        self.call(SMALL, async move {
            let listed: Result<Vec<_>, _> = store.list(Some(&at)).try_collect().await;
            for object in listed.map_err(|error| ObjectError::of(&error, at.as_ref()))? {
                delete(&*store, &object.location).await?;
            }
            Ok(())
        })
    }

    fn path(&self, name: &str) -> Path {
        name.split('/')
            .filter(|part| !part.is_empty())
            .fold(self.prefix.clone(), |path, part| path.join(part))
    }

    /// Runs a future on the thread of this crate, for a limited time.
    fn call<T: Send + 'static>(
        &self,
        limit: Duration,
        work: impl Future<Output = Result<T, ObjectError>> + Send + 'static,
    ) -> Result<T, ObjectError> {
        let away = |what: String| ObjectError::Away { what };
        let Some(runtime) = &self.runtime else { return Err(away("the client is closed".to_owned())) };
        let (answer, result) = mpsc::sync_channel(1);
        runtime.spawn(async move {
            let late = || Err(away(format!("no answer within {} s", limit.as_secs())));
            let done = tokio::time::timeout(limit, work).await.unwrap_or_else(|_| late());
            drop(answer.send(done));
        });
        let done = result.recv().unwrap_or_else(|_| Err(away("the call was aborted".to_owned())));
        self.reachability.note(&done);
        done
    }
}

impl Drop for Objects {
    fn drop(&mut self) {
        // To wait for the runtime is not allowed on threads of another runtime.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl std::fmt::Debug for Objects {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Objects").field(&self.address).finish()
    }
}

async fn delete(store: &dyn ObjectStore, at: &Path) -> Result<(), ObjectError> {
    match store.delete(at).await {
        Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
        Err(error) => Err(ObjectError::of(&error, at.as_ref())),
    }
}

/// The client of a service. Names of settings that it does not know are for other programs.
fn client(address: &Address, settings: &Settings) -> object_store::Result<Arc<dyn ObjectStore>> {
    let is_loopback = settings.is_loopback();
    let mut options = ClientOptions::new()
        .with_timeout(REQUEST)
        .with_connect_timeout(CONNECT)
        .with_http1_only()
        .with_allow_http(is_loopback);
    if let Some(pem) = settings.roots() {
        for root in Certificate::from_pem_bundle(pem)? {
            options = options.with_root_certificate(root);
        }
    }
    // A call that fails is repeated by its caller; retries here are for single lost requests.
    let retry = RetryConfig {
        backoff: BackoffConfig { max_backoff: Duration::from_secs(2), ..BackoffConfig::default() },
        max_retries: 3,
        retry_timeout: Duration::from_secs(15),
    };
    Ok(match address.service {
        ServiceKind::S3 => {
            let mut builder = AmazonS3Builder::new();
            for (name, value) in settings.values() {
                if let Ok(key) = AmazonS3ConfigKey::from_str(&name) {
                    builder = builder.with_config(key, value);
                }
            }
            let builder =
                builder.with_bucket_name(&address.bucket).with_conditional_put(S3ConditionalPut::ETagMatch);
            // Not every service that speaks S3 deletes several objects at once.
            let builder = builder.with_disable_bulk_delete(true);
            Arc::new(builder.with_client_options(options).with_retry(retry).build()?)
        }
        ServiceKind::Azure => {
            let mut builder = MicrosoftAzureBuilder::new();
            for (name, value) in settings.values() {
                if let Ok(key) = AzureConfigKey::from_str(&name) {
                    builder = builder.with_config(key, value);
                }
            }
            let builder = builder.with_container_name(&address.bucket);
            Arc::new(builder.with_client_options(options).with_retry(retry).build()?)
        }
    })
}
