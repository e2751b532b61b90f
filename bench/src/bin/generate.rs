//! Writes catalogs and tickets of any size for benchmarks and tests. The same arguments give the same bytes.
//!
//!     cargo run --release -p ticket-router-bench --bin generate -- catalog DIR --offers 10000 \
//!         --publishers 500 --partners 200 --seed 1
//!     cargo run --release -p ticket-router-bench --bin generate -- tickets --count 1000000 --seed 1 > tickets.jsonl
//!
//! Tickets refer to the catalog that is made with the same numbers and seed: about one in a hundred names an id
//! that it lacks, or leaves out something that is needed.

use std::{
    fmt::Write as _,
    fs::File,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use clap::{Args, Parser, Subcommand, ValueEnum};
use pbjson_types::Duration;
use prost::Message;
use serde::Serialize;
use ticket_router::{
    catalog::Kind,
    proto::{
        Timestamp,
        v1::{
            Offer, Partner, Publisher, Ticket, offer,
            partner::{Model, TechnicalSupport},
            publisher::ServiceLevel,
            ticket::{Category, Requester, Severity, requester::Role},
        },
    },
};

#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Writes offers.jsonl, publishers.jsonl and partners.jsonl into a folder.
    Catalog {
        folder: PathBuf,
        #[command(flatten)]
        world: World,
    },
    /// Writes tickets of about 1 KB to stdout.
    Tickets {
        #[arg(long, default_value_t = 1_000_000)]
        count: u64,
        #[arg(long, value_enum, default_value_t = Format::Json)]
        format: Format,
        #[command(flatten)]
        world: World,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// One JSON object a line.
    Json,
    /// Protobuf messages, each after its length as a varint.
    Protobuf,
}

/// What the marketplace holds.
#[derive(Args)]
struct World {
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..))]
    offers: u64,
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u64).range(1..))]
    publishers: u64,
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..))]
    partners: u64,
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// SplitMix64 (Steele, Lea, Flood, 2014): small, and good enough to spread things about.
struct Random(u64);

impl Random {
    /// Starts the sequence of one thing, so that each can be made without the others.
    fn of(world: &World, domain: u64, index: u64) -> Self {
        let mut start = Self(world.seed ^ domain << 56);
        Self(start.next().wrapping_add(index.wrapping_mul(0xd134_2543_de82_ef95)))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// A number below the bound.
    fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len() as u64) as usize]
    }
}

const OFFER: u64 = 1;
const PUBLISHER: u64 = 2;
const PARTNER: u64 = 3;
const TICKET: u64 = 4;

/// Every tenth partner is a provider, and its next resellers work with it.
const PROVIDERS_EVERY: u64 = 10;

const PRODUCTS: &[&str] = &[
    "Ledger",
    "Forms",
    "Insight Hub",
    "Backup",
    "Warehouse",
    "Firewall",
    "Scheduler",
    "Signatures",
    "Helpdesk",
    "Fleet",
    "Inventory",
    "Payroll",
    "Data Mesh",
    "Translator",
    "Observability",
    "Gateway",
];

fn offer(world: &World, index: u64) -> Offer {
    let mut random = Random::of(world, OFFER, index);
    let publisher = random.below(world.publishers);
    let kind = random.pick(&[
        offer::Kind::Saas,
        offer::Kind::Saas,
        offer::Kind::VirtualMachine,
        offer::Kind::AzureApplication,
        offer::Kind::Container,
    ]);
    let mut contact = |percent, role| {
        if random.chance(percent) {
            format!("{role}@publisher-{publisher:05}.example")
        } else {
            String::new()
        }
    };
    let contacts = offer::Contacts {
        engineering: contact(90, "engineering"),
        customer_support: contact(95, "support"),
        csp_program: contact(60, "csp"),
    };
    let site = format!("https://publisher-{publisher:05}.example/offer-{index:07}");
    Offer {
        id: offer_id(index),
        publisher_id: publisher_id(publisher),
        title: format!(
            "{} {}",
            random.pick(PRODUCTS),
            random.pick(&["Basic", "Pro", "Enterprise", "for Teams"])
        ),
        kind: kind.into(),
        azure_based: random.chance(92).then_some(kind != offer::Kind::Saas),
        first_party: random.below(200) == 0,
        contacts: Some(contacts),
        user_documentation_uri: format!("{site}/docs"),
        sales_material_uri: format!("{site}/sales"),
        csp_marketing_uri: if random.chance(50) { format!("{site}/csp") } else { String::new() },
    }
}

fn publisher(world: &World, index: u64) -> Publisher {
    let mut random = Random::of(world, PUBLISHER, index);
    let level = |severity: Severity, hours: i64| ServiceLevel {
        severity: severity.into(),
        first_response: Some(Duration { seconds: hours * 3_600, nanos: 0 }),
    };
    let hours = random.pick(&[1, 2, 4]);
    Publisher {
        id: publisher_id(index),
        name: format!("Publisher {index}"),
        support_uri: format!("https://support.publisher-{index:05}.example"),
        sla: vec![level(Severity::A, hours), level(Severity::B, hours * 4), level(Severity::C, hours * 12)],
    }
}

fn partner(world: &World, index: u64) -> Partner {
    let mut random = Random::of(world, PARTNER, index);
    let model = match index % PROVIDERS_EVERY {
        0 => Model::IndirectProvider,
        1..=4 => Model::DirectBill,
        _ => Model::IndirectReseller,
    };
    let is_reseller = model == Model::IndirectReseller;
    let handles = [Category::Billing, Category::Payment, Category::Provisioning, Category::Unspecified];
    Partner {
        id: partner_id(index),
        name: format!("Partner {index}"),
        model: model.into(),
        provider_id: if is_reseller { partner_id(index - index % PROVIDERS_EVERY) } else { String::new() },
        technical_support: random
            .pick(&[TechnicalSupport::Unspecified, TechnicalSupport::Refer, TechnicalSupport::Coordinate])
            .into(),
        provider_handles: if is_reseller && random.chance(40) {
            handles.iter().filter(|_| random.chance(50)).map(|&category| category.into()).collect()
        } else {
            Vec::new()
        },
    }
}

fn offer_id(index: u64) -> String {
    format!("offer-{index:07}")
}

fn publisher_id(index: u64) -> String {
    format!("publisher-{index:05}")
}

fn partner_id(index: u64) -> String {
    format!("partner-{index:05}")
}

const SOURCES: &[&str] = &["zendesk/contoso", "servicenow/fabrikam", "jira/adatum", "dynamics/wingtip"];

const SUBJECTS: &[(&str, &str)] = &[
    ("en", "The invoice does not match what we ordered"),
    ("en-GB", "Sign-in fails since this morning"),
    ("es-MX", "No podemos activar la suscripción"),
    ("de", "Rechnung enthält zu viele Lizenzen"),
    ("fr", "Le déploiement s'arrête à mi-chemin"),
    ("ja", "請求書の金額が契約と一致しません"),
];

const SENTENCES: &[&str] = &[
    "We bought this through our partner last quarter and everything was fine until Monday. ",
    "The portal shows \"Request failed (409)\" and the retry button does nothing. ",
    "Our finance team compared the invoice with the order confirmation:\n- ordered: 40 seats\n- billed: 45 seats\n",
    "Desde ayer, ningún usuario puede abrir el panel; la página se queda en blanco. ",
    "Wir haben die Anleitung Schritt für Schritt befolgt, leider ohne Erfolg. ",
    "Le journal ne contient aucune erreur, seulement un avertissement. ",
    "更新後にエラーが表示され、作業が止まっています。",
    "Please tell us who can help and how long it will take. ",
    "A screenshot is attached; the path is C:\\Logs\\setup.log on the first node. ",
    "Restarting the service did not help, and neither did a new subscription in the test tenant. ",
];

/// 2026-01-01T00:00:00Z.
const START: i64 = 1_767_225_600;

/// How many bytes of text a ticket has, so that the whole has about 1 KB.
const BODY_BYTES: std::ops::Range<u64> = 280..520;

/// Writes over the ticket's fields; their memory is used again.
fn fill(ticket: &mut Ticket, world: &World, index: u64) {
    let mut random = Random::of(world, TICKET, index);
    let set = |field: &mut String, arguments: std::fmt::Arguments<'_>| {
        field.clear();
        field.write_fmt(arguments).expect("a string takes all text");
    };
    let (language, subject) = random.pick(SUBJECTS);
    let source = random.pick(SOURCES);
    let role = match random.below(100) {
        0..70 => Role::Customer,
        70..90 => Role::Partner,
        _ => Role::Publisher,
    };
    let number = random.below(world.offers);
    let partner = random.below(world.partners);
    let created = START + i64::try_from(index % 31_536_000).expect("a year has fewer seconds");
    let is_odd = random.below(100) == 0;

    set(&mut ticket.id, format_args!("{}-{index:09}", source.split('/').next_back().unwrap_or(source)));
    set(&mut ticket.source, format_args!("{source}"));
    ticket.created_at = Some(Timestamp { seconds: created, nanos: 0 });
    let changed = i64::try_from(random.below(90_000)).expect("it is below 90,000");
    ticket.updated_at = Some(Timestamp { seconds: created + changed, nanos: 250_000_000 });
    ticket.revision = 1 + random.below(9);

    let requester = ticket.requester.get_or_insert_with(Requester::default);
    requester.role = role.into();
    match role {
        Role::Partner => set(&mut requester.id, format_args!("partner-{partner:05}")),
        Role::Publisher => {
            let publisher = Random::of(world, OFFER, number).below(world.publishers);
            set(&mut requester.id, format_args!("publisher-{publisher:05}"));
        }
        _ => set(&mut requester.id, format_args!("customer-{:06}", random.below(1_000_000))),
    }
    let person = random.below(100_000);
    set(&mut requester.display_name, format_args!("Requester {person}"));
    set(&mut requester.email, format_args!("requester.{person}@company-{}.example", person % 997));
    ticket.partner_id.clear();
    if role == Role::Customer {
        set(&mut ticket.partner_id, format_args!("partner-{partner:05}"));
    }
    set(&mut ticket.offer_id, format_args!("offer-{number:07}"));
    set(&mut ticket.plan_id, format_args!("plan-{}", random.pick(&["basic", "standard", "premium"])));
    let subscription = random.next() >> 16;
    set(
        &mut ticket.subscription_id,
        format_args!(
            "{:08x}-{:04x}-4{:03x}-8000-{subscription:012x}",
            person,
            number & 0xffff,
            partner & 0xfff
        ),
    );
    ticket.category = (1 + random.below(14)) as i32;
    ticket.severity = random.pick(&[Severity::A, Severity::B, Severity::C, Severity::C]).into();
    set(&mut ticket.language, format_args!("{language}"));
    set(&mut ticket.subject, format_args!("{subject}"));
    ticket.body.clear();
    let len = BODY_BYTES.start + random.below(BODY_BYTES.end - BODY_BYTES.start);
    while (ticket.body.len() as u64) < len {
        ticket.body.push_str(random.pick(SENTENCES));
    }
    let channel = ticket.attributes.entry("channel".to_owned()).or_default();
    set(channel, format_args!("{}", random.pick(&["mail", "portal", "phone", "chat"])));
    let region = ticket.attributes.entry("region".to_owned()).or_default();
    set(region, format_args!("{}", random.pick(&["emea", "amer", "apac"])));

    if is_odd {
        match random.below(5) {
            0 => set(&mut ticket.offer_id, format_args!("offer-gone-{number}")),
            1 => ticket.offer_id.clear(),
            2 => ticket.partner_id.clear(),
            3 => ticket.category = Category::Unspecified.into(),
            _ => requester.role = Role::Unspecified.into(),
        }
    }
}

fn write_lines<M: Serialize>(folder: &Path, kind: Kind, records: impl Iterator<Item = M>) -> io::Result<()> {
    let mut file = BufWriter::with_capacity(1 << 20, File::create(folder.join(kind.file_name()))?);
    for record in records {
        serde_json::to_writer(&mut file, &record)?;
        file.write_all(b"\n")?;
    }
    file.flush()
}

fn write_tickets(world: &World, count: u64, format: Format, mut out: impl Write) -> io::Result<()> {
    const FLUSH_BYTES: usize = 1 << 20;
    let mut ticket = Ticket::default();
    let mut buffer = Vec::with_capacity(FLUSH_BYTES + 4_096);
    for index in 0..count {
        fill(&mut ticket, world, index);
        match format {
            Format::Json => {
                serde_json::to_writer(&mut buffer, &ticket)?;
                buffer.push(b'\n');
            }
            Format::Protobuf => ticket.encode_length_delimited(&mut buffer)?,
        }
        if buffer.len() >= FLUSH_BYTES {
            out.write_all(&buffer)?;
            buffer.clear();
        }
    }
    out.write_all(&buffer)?;
    out.flush()
}

fn main() -> io::Result<()> {
    match Arguments::parse().what {
        What::Catalog { folder, world } => {
            std::fs::create_dir_all(&folder)?;
            write_lines(&folder, Kind::Offer, (0..world.offers).map(|index| offer(&world, index)))?;
            write_lines(
                &folder,
                Kind::Publisher,
                (0..world.publishers).map(|index| publisher(&world, index)),
            )?;
            write_lines(&folder, Kind::Partner, (0..world.partners).map(|index| partner(&world, index)))
        }
        What::Tickets { count, format, world } => {
            match write_tickets(&world, count, format, io::stdout().lock()) {
                Err(closed) if closed.kind() == io::ErrorKind::BrokenPipe => Ok(()),
                other => other,
            }
        }
    }
}
