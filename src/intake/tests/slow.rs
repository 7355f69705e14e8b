//! What takes long or measures time: run by CI, as by
//! `DROPSHIP_ROOT_TESTS=1 cargo test --lib intake::tests::slow -- --test-threads 1 --nocapture`

use std::collections::HashSet;

use super::*;

/// A desk that only counts, so that the memory which is measured is intake's.
#[derive(Default)]
struct Counter {
    taken: Mutex<HashSet<u64>>,
    at: Mutex<Vec<Instant>>,
}

impl Desk for Counter {
    fn knows(&self, _: &str, _: &Path, identity: &Identity, _: Option<&Identity>) -> bool {
        self.taken.lock().unwrap().contains(&identity.ino)
    }

    fn receive(&self, find: &Find) -> Receipt {
        self.taken.lock().unwrap().insert(find.identity.ino);
        self.at.lock().unwrap().push(Instant::now());
        Receipt::Taken
    }

    fn gone(&self, _: &str, _: &Path) {}

    fn room(&self, _: &str) -> Result<(), NoRoom> {
        Ok(())
    }
}

/// Time and memory are the whole process's.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

fn asked() -> bool {
    let asked = std::env::var_os("DROPSHIP_ROOT_TESTS").is_some();
    if !asked {
        eprintln!("not run: it takes long; set DROPSHIP_ROOT_TESTS=1");
    }
    asked
}

fn status(field: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(field)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// What all threads have used of the processor.
fn cpu() -> Duration {
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(u64::try_from(used.tv_sec).unwrap(), u32::try_from(used.tv_nsec).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backlog_of_50_000_is_taken_in_order_with_flat_memory() {
    if !asked() {
        return;
    }
    let _one_at_a_time = ALONE.lock().await;
    let house = House::new();
    let spec = house.spec();
    for number in 0..50_000 {
        fs::write(house.root().join(format!("a-package-with-a-usual-name-{number:06}.cab")), b"whole")
            .unwrap();
    }
    let desk = Arc::new(Counter::default());
    let before = status("VmRSS");
    let start = Instant::now();
    let intake =
        Intake::start(vec![spec], Arc::clone(&desk) as Arc<dyn Desk>, &CancellationToken::new()).unwrap();
    intake.first_look_done().await;
    let took = start.elapsed();
    let first = desk.at.lock().unwrap()[0].duration_since(start);
    let grown = status("VmHWM").max(status("VmRSS")) - before;
    eprintln!("50,000 files: first after {first:?}, all after {took:?}, {grown} KiB more memory");
    assert_eq!(desk.taken.lock().unwrap().len(), 50_000);
    assert!(first < took / 4 && grown < 32 * 1024);
    let start = Instant::now();
    intake.rescan(None);
    until("it was looked at", || intake.health()[0].looks == 2).await;
    eprintln!("a look at 50,000 known files: {:?}", start.elapsed());
    intake.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn from_close_to_the_desk_in_well_under_5_ms() {
    if !asked() {
        return;
    }
    let _one_at_a_time = ALONE.lock().await;
    let house = House::new();
    let spec = house.spec();
    let desk = Arc::new(Counter::default());
    let intake =
        Intake::start(vec![spec], Arc::clone(&desk) as Arc<dyn Desk>, &CancellationToken::new()).unwrap();
    intake.first_look_done().await;
    let mut took = Vec::new();
    for number in 0..500 {
        let file = fs::File::create(house.root().join(format!("{number}.cab"))).unwrap();
        let closed = Instant::now();
        drop(file);
        until("it is taken", || desk.at.lock().unwrap().len() > number).await;
        took.push(desk.at.lock().unwrap()[number].saturating_duration_since(closed));
    }
    took.sort();
    eprintln!("close to desk: p50 {:?}, p90 {:?}, max {:?}", took[250], took[450], took[499]);
    assert!(took[250] < Duration::from_millis(5));
    intake.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_idle_folders_cost_nothing() {
    if !asked() {
        return;
    }
    let _one_at_a_time = ALONE.lock().await;
    let house = House::new();
    let spec = house.spec();
    let specs: Vec<_> = (0..1000)
        .map(|number| {
            let path = house.dir.path().join(number.to_string());
            fs::create_dir(&path).unwrap();
            Spec { name: number.to_string(), path, poll: Duration::from_secs(300), ..spec.clone() }
        })
        .collect();
    let desk = Arc::new(Counter::default());
    let start = Instant::now();
    let intake = Intake::start(specs, Arc::clone(&desk) as Arc<dyn Desk>, &CancellationToken::new()).unwrap();
    intake.first_look_done().await;
    let (began, took) = (start.elapsed(), Duration::from_secs(20));
    assert!(intake.health().iter().all(|health| health.state == State::Ok), "{:?}", intake.health()[0]);
    let before = cpu();
    tokio::time::sleep(took).await;
    let used = cpu() - before;
    eprintln!("1,000 folders: up after {began:?}, {used:?} of CPU in {took:?}, {} KiB", status("VmRSS"));
    assert!(used <= took / 1000);
    let start = Instant::now();
    intake.rescan(None);
    until("all were looked at", || intake.health().iter().all(|health| health.looks == 2)).await;
    eprintln!("a look at all of them: {:?}", start.elapsed());
    intake.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_whose_events_fail_to_tell_is_said_to_be_polled() {
    if !asked() {
        return;
    }
    let _one_at_a_time = ALONE.lock().await;
    let house = House::new();
    let intake = house.open(Spec { poll: Duration::from_secs(6), ..house.spec() }).await;
    intake.running()["audio"].shared.watcher.deafen(&house.root());
    // Time stamps closer to a look than two seconds prove nothing.
    tokio::time::sleep(Duration::from_secs(3)).await;
    fs::write(house.root().join("a.cab"), b"whole").unwrap();
    until("it is found by looking", || house.desk.taken().len() == 1).await;
    until("it is said", || intake.health()[0].state == State::Polling).await;
    assert!(intake.health()[0].why.as_ref().unwrap().contains("a.cab"));
    intake.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_1_gib_wakes_us_twice() {
    if !asked() {
        return;
    }
    let _one_at_a_time = ALONE.lock().await;
    use std::io::Write;
    let house = House::new();
    let intake = house.open(Spec { exclude: vec!["*".to_owned()], ..house.spec() }).await;
    let mut file = fs::File::create(house.root().join("large.cab")).unwrap();
    let piece = [b'x'; 64 * 1024];
    for _ in 0..16 * 1024 {
        file.write_all(&piece).unwrap();
    }
    drop(file);
    fs::create_dir(house.root().join("last")).unwrap();
    until("the last event is told", || intake.health()[0].events >= 3).await;
    eprintln!(
        "1 GiB in 16,384 writes: {} events and one of the folder after it",
        intake.health()[0].events - 1
    );
    assert_eq!(intake.health()[0].events, 3);
    intake.stop().await;
}
