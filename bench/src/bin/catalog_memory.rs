//! Measures what a catalog costs in memory: loaded, changed, and replaced by an equal and by another one.
//!
//!     cargo run --release -p ticket-router-bench --bin generate -- catalog DIR --offers 1000000 \
//!         --publishers 20000 --partners 5000
//!     cargo run --release -p ticket-router-bench --bin catalog_memory -- DIR [json|protobuf|both]

use std::{
    env,
    error::Error,
    fs::{self, File},
    hint::black_box,
    io::BufReader,
    path::{Path, PathBuf},
    time::Instant,
};

use ticket_router::{
    catalog::{Catalog, Change, Draft, Encodings, Kind, Offer, Partner, Publisher, load, read},
    ticket::{Format, Payload},
};

/// Resident memory in MB: now, and the most there ever was (`/proc/self/status`).
fn resident() -> (u64, u64) {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let field = |name: &str| -> u64 {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        line.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or(0)
    };
    (field("VmRSS:") / 1_024, field("VmHWM:") / 1_024)
}

fn report(what: &str, since: Instant) {
    let (now, peak) = resident();
    println!("{what:<46} {now:>6} MB, peak {peak:>6} MB, {:>8.3} s", since.elapsed().as_secs_f64());
}

/// Loads the three files of a folder.
fn load_into(draft: &mut Draft, folder: &Path, encodings: Encodings) -> Result<(), Box<dyn Error>> {
    for kind in Kind::ALL {
        let name = kind.file_name();
        let input = BufReader::with_capacity(256 * 1_024, File::open(folder.join(name))?);
        match kind {
            Kind::Offer => load::<Offer>(name, input, encodings, draft, |_| ())?,
            Kind::Publisher => load::<Publisher>(name, input, encodings, draft, |_| ())?,
            Kind::Partner => load::<Partner>(name, input, encodings, draft, |_| ())?,
        };
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args_os().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or("which folder?")?);
    let encodings = match arguments.next().as_deref().and_then(|name| name.to_str()) {
        Some("json") => Encodings::JSON,
        Some("both") => Encodings::BOTH,
        _ => Encodings::PROTOBUF,
    };
    let (catalog, mut writer) = Catalog::new(encodings);

    let since = Instant::now();
    let mut draft = writer.start_replacement();
    load_into(&mut draft, &folder, encodings)?;
    writer.replace(draft);
    report("loaded", since);
    println!("{:?}", catalog.snapshot().counts());

    let since = Instant::now();
    let ids: Vec<String> = catalog.snapshot().offers().map(|offer| offer.id().to_owned()).collect();
    let found = ids.iter().filter(|id| black_box(catalog.snapshot().offer(id)).is_some()).count();
    report(&format!("{found} look-ups"), since);

    let since = Instant::now();
    for id in ids.iter().take(100) {
        let json = format!("{{\"id\":\"{id}\",\"publisherId\":\"another\"}}");
        let payload = Payload { format: Format::Json, bytes: json.as_bytes() };
        writer.upsert_offer(read::<Offer>(payload, encodings)?.record);
        writer.publish();
    }
    report("100 changes, published one by one", since);
    drop(ids);

    let since = Instant::now();
    let mut draft = writer.start_replacement();
    load_into(&mut draft, &folder, encodings)?;
    writer.replace(draft);
    writer.reclaim();
    report("replaced by the same (100 differ)", since);

    for round in 1..=2 {
        let since = Instant::now();
        let mut draft = Draft::new();
        load_into(&mut draft, &folder, encodings)?;
        writer.replace(draft);
        writer.reclaim();
        report(&format!("replaced by one that shares nothing, {round}"), since);
    }

    let since = Instant::now();
    writer.apply(Change::Remove(Kind::Offer, b"offer-0000001".to_vec()));
    writer.publish();
    report("one removed", since);
    Ok(())
}
