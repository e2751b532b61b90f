//! What is measured: one ticket of about 1 KB, and a catalog of 10,000 offers that has its records.

use std::sync::Arc;

use ticket_router::{
    catalog::{Draft, Encodings, Offer, Partner, Publisher, Record, Snapshot},
    decide::{Decided, decide},
    encode::{DecisionId, Encoder, decision_id},
    policy::Policy,
    proto::v1::{
        self, offer,
        partner::{Model, TechnicalSupport},
    },
    route::{OutputFormat, Router},
    ticket::{Format, Limits, Payload, Reader, Ticket, transcode},
};

/// A ticket as helpdesks send them: compact, text in Spanish, some line breaks, a few attributes.
pub const JSON: &str = concat!(
    r#"{"id":"ZD-2026-0048213","source":"zendesk/contoso","createdAt":"2026-11-20T09:14:52.318Z","#,
    r#""updatedAt":"2026-11-22T17:03:11Z","revision":"7","requester":{"role":"ROLE_CUSTOMER","#,
    r#""id":"cust-77120934","displayName":"María Fernández Ortega","email":"m.fernandez@example.com"},"#,
    r#""partnerId":"partner-00418","offerId":"publisher-00123.offer-0004123","planId":"business-annual","#,
    r#""subscriptionId":"9f1c6a52-7b7e-4c7e-9d0a-3f1f0e6f2a11","category":"CATEGORY_BREAK_FIX","#,
    r#""severity":"SEVERITY_B","language":"es-ES","subject":"La copia nocturna falla desde el martes","#,
    r#""body":"Hola,\n\nDesde el martes la copia nocturna termina con el error BK-2041 en dos de los cinco buzones. "#,
    r#"Hemos reiniciado el conector y renovado el consentimiento, pero el resultado es el mismo. "#,
    r#"El panel muestra la tarea como completada con advertencias y no indica el motivo. "#,
    r#"Adjuntamos el registro del conector de la última noche. ¿Pueden revisarlo?\n\nGracias,\nMaría","#,
    r#""attributes":{"tier":"gold","region":"westeurope","channel":"email","product-version":"4.12.0"}}"#,
);

const OFFERS: usize = 10_000;
const PUBLISHERS: usize = 500;
const PARTNERS: usize = 1_000;

/// The ticket in a format.
pub fn ticket(format: Format) -> Vec<u8> {
    let mut bytes = Vec::new();
    let json = Payload { format: Format::Json, bytes: JSON.as_bytes() };
    transcode(json, format, &mut bytes).expect("the sample is a ticket");
    bytes
}

/// A catalog whose offers have all contacts and links.
pub fn catalog() -> Snapshot {
    let mut draft = Draft::new();
    for index in 0..OFFERS {
        let publisher = format!("publisher-{:05}", index % PUBLISHERS);
        let site = format!("https://{publisher}.example/offer-{index:07}");
        let message = v1::Offer {
            id: format!("{publisher}.offer-{index:07}"),
            title: format!("Backup for SaaS {index}"),
            kind: offer::Kind::Saas.into(),
            azure_based: Some(false),
            first_party: false,
            contacts: Some(offer::Contacts {
                engineering: format!("engineering@{publisher}.example"),
                customer_support: format!("support@{publisher}.example"),
                csp_program: format!("csp@{publisher}.example"),
            }),
            user_documentation_uri: format!("{site}/docs"),
            sales_material_uri: format!("{site}/sales"),
            csp_marketing_uri: format!("{site}/csp"),
            publisher_id: publisher,
        };
        draft.upsert(Offer::build(&message, Encodings::BOTH).expect("the offer is valid"));
    }
    for index in 0..PUBLISHERS {
        let id = format!("publisher-{index:05}");
        let support_uri = format!("https://support.{id}.example");
        let message =
            v1::Publisher { name: format!("Publisher {index}"), support_uri, id, ..Default::default() };
        draft.upsert(Publisher::build(&message, Encodings::BOTH).expect("the publisher is valid"));
    }
    for index in 0..PARTNERS {
        let is_provider = index % 10 == 0;
        let message = v1::Partner {
            id: format!("partner-{index:05}"),
            name: format!("Partner {index}"),
            model: if is_provider { Model::IndirectProvider } else { Model::IndirectReseller }.into(),
            provider_id: if is_provider { String::new() } else { format!("partner-{:05}", index / 10 * 10) },
            technical_support: TechnicalSupport::Refer.into(),
            provider_handles: Vec::new(),
        };
        draft.upsert(Partner::build(&message, Encodings::BOTH).expect("the partner is valid"));
    }
    draft.finish()
}

/// A router, and what it is given.
pub struct Routing {
    router: Router,
    catalog: Arc<Snapshot>,
    ticket: Vec<u8>,
}

impl Routing {
    /// Prepares a router of which the buffers have grown already.
    pub fn new(catalog: Arc<Snapshot>, input: Format, output: Format) -> Self {
        let output = match output {
            Format::Json => OutputFormat::Json,
            Format::Protobuf => OutputFormat::Protobuf,
        };
        let router = Router::new(Arc::new(Policy::builtin()), Limits::default(), output);
        let mut routing = Self { router, catalog, ticket: ticket(input) };
        assert!(routing.route() > JSON.len() + 512, "the ticket is routed with the records that it names");
        routing
    }

    /// Routes the ticket; returns the length of the value.
    pub fn route(&mut self) -> usize {
        let routed = self.router.route(&self.catalog, None, Some(&self.ticket));
        routed.expect("the sample is a ticket").value.len()
    }
}

/// A ticket that has been read, for the steps behind reading. What it borrows is leaked, once a process.
pub struct Steps {
    pub policy: Policy,
    pub catalog: &'static Snapshot,
    pub bytes: Vec<u8>,
    pub ticket: &'static Ticket<'static>,
    encoder: Encoder,
    out: Vec<u8>,
}

impl Steps {
    /// Reads the ticket.
    pub fn new(catalog: Arc<Snapshot>, format: Format) -> Self {
        let policy = Policy::builtin();
        let reader = Box::leak(Box::new(Reader::new(Limits::default(), policy.attributes().to_vec())));
        let bytes = ticket(format);
        let payload = Payload { format, bytes: Box::leak(bytes.clone().into_boxed_slice()) };
        let ticket = Box::leak(Box::new(reader.read(payload).expect("the sample is a ticket")));
        let catalog = Box::leak(Box::new(catalog));
        let encoder = Encoder::new(format, &policy);
        Self { policy, catalog, bytes, ticket, encoder, out: Vec::with_capacity(4 * JSON.len()) }
    }

    /// Finds the ticket's four records.
    pub fn look_up(&self) -> usize {
        let offer = self.catalog.offer(self.ticket.offer_id).expect("the catalog has the offer");
        let publisher = self.catalog.publisher(offer.publisher_id()).expect("the catalog has the publisher");
        let partner = self.catalog.partner(self.ticket.partner_id).expect("the catalog has the partner");
        let provider = self.catalog.partner(partner.provider_id()).expect("the catalog has the provider");
        publisher.id().len() + provider.id().len()
    }

    /// Decides; looking up is part of it.
    pub fn decide(&self) -> Decided<'static> {
        decide(&self.policy, self.catalog, self.ticket)
    }

    /// Computes the decision's identity.
    pub fn identify(&self, decided: &Decided<'_>) -> DecisionId {
        decision_id(&self.policy, &self.bytes, &decided.records)
    }

    /// Writes the routed ticket; returns its length.
    pub fn encode(&mut self, decided: &Decided<'_>, id: DecisionId) -> usize {
        self.encoder.encode(&self.policy, &self.bytes, decided, id, &mut self.out);
        self.out.len()
    }
}
