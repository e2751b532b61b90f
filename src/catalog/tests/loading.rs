//! Loading a folder: findings with their lines, and what is kept.

use super::*;

fn load_text<R: Record + snapshot::Stocked>(
    file: &str,
    text: &[u8],
    draft: &mut Draft,
) -> (Loaded, Vec<String>) {
    let mut findings = Vec::new();
    let loaded = load::<R>(file, text, Encodings::BOTH, draft, |finding| findings.push(finding.to_string()))
        .expect("memory can be read");
    (loaded, findings)
}

#[test]
fn every_bad_line_is_reported_and_the_rest_is_kept() {
    let text = concat!(
        "\u{feff}{\"id\":\"p1\"}\r\n",
        "\n",
        "   \n",
        "{\"id\":\"\"}\n",
        "{\"id\":\"p2\",\"model\":\"MODEL_X\"}\n",
        "{\"id\":\"p3\",\"providerID\":\"p1\"}\n",
        "{\"id\":\"p1\",\"name\":\"again\"}\n",
        "not json\n",
        "{\"id\":\"p4\"}",
    );
    let mut draft = Draft::new();
    let (loaded, findings) = load_text::<Partner>("partners.jsonl", text.as_bytes(), &mut draft);
    assert_eq!(loaded, Loaded { lines: 7, kept: 4, errors: 2, warnings: 3 });
    let expected = [
        "partners.jsonl:4: error: `id` is missing, every record needs one",
        "partners.jsonl:5: warning: `model` is `MODEL_X`, which this version does not know; tickets that depend on \
         it go to triage",
        "partners.jsonl:6: warning: unknown field `providerID`, perhaps `providerId` is meant",
        "partners.jsonl:7: warning: id `p1` is there twice, this line wins",
        "partners.jsonl:8: error: invalid JSON: expected ident at column 2",
    ];
    assert_eq!(findings, expected);
    let snapshot = draft.finish();
    assert_eq!(snapshot.counts(), Counts { partners: 4, ..Counts::default() });
    let again = partner("p1", "again").digest();
    assert_eq!(snapshot.partner("p1").map(Record::digest), Some(again));
}

#[test]
fn a_line_over_the_limit_is_reported_and_the_next_one_is_read() {
    let text = format!("{{\"id\":\"{}\"}}\n{{\"id\":\"p\"}}\n", "x".repeat(MAX_RECORD_BYTES));
    let mut draft = Draft::new();
    let (loaded, findings) = load_text::<Partner>("f", text.as_bytes(), &mut draft);
    assert_eq!(loaded, Loaded { lines: 2, kept: 1, errors: 1, warnings: 0 });
    assert_eq!(findings, ["f:1: error: line has 1048585 bytes, limit is 1048576"]);
}

#[test]
fn records_are_checked_against_each_other() {
    let mut draft = Draft::new();
    let offers = br#"{"id":"o1","publisherId":"p1","azureBased":true,"contacts":{"engineering":"x"}}
        {"id":"o2","publisherId":"p9","azureBased":false,"contacts":{"cspProgram":"x"}}
        {"id":"o3","publisherId":"p1"}
        {"id":"o4","publisherId":"p2","azureBased":true}
        {"id":"o5","firstParty":true}"#;
    let partners = br#"{"id":"a","model":"MODEL_INDIRECT_PROVIDER"}
        {"id":"b","model":"MODEL_INDIRECT_RESELLER","providerId":"a"}
        {"id":"c","model":"MODEL_INDIRECT_RESELLER"}
        {"id":"d","model":"MODEL_INDIRECT_RESELLER","providerId":"z"}
        {"id":"e","model":"MODEL_INDIRECT_RESELLER","providerId":"b"}
        {"id":"f"}
        {"id":"g","model":"MODEL_DIRECT_BILL"}"#;
    assert_eq!(load_text::<Offer>("", offers, &mut draft).1, [""; 0]);
    assert_eq!(
        load_text::<Publisher>("", b"{\"id\":\"p1\",\"supportUri\":\"x\"}\n{\"id\":\"p2\"}", &mut draft)
            .0
            .kept,
        2
    );
    assert_eq!(load_text::<Partner>("", partners, &mut draft).1, [""; 0]);
    let findings: Vec<_> = check(&draft.finish()).iter().map(ToString::to_string).collect();
    let expected = [
        "offers.jsonl: warning: offer `o2`: publisher `p9` is not in the catalog",
        "offers.jsonl: warning: offer `o3` does not say whether it is `azureBased`",
        "offers.jsonl: warning: offer `o3` names no contact, and its publisher only has a general `supportUri`",
        "offers.jsonl: warning: offer `o4` names no contact, and its publisher has no `supportUri` either",
        "partners.jsonl: warning: partner `c` is an indirect reseller without a `providerId`",
        "partners.jsonl: warning: partner `d`: provider `z` is not in the catalog",
        "partners.jsonl: warning: partner `e`: provider `b` is not an indirect provider",
        "partners.jsonl: warning: partner `f` does not say its `model`",
    ];
    assert_eq!(findings, expected);
}

#[test]
fn an_input_that_fails_half_way_is_an_error_and_not_the_end() {
    struct Broken;
    impl std::io::Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("the disk is gone"))
        }
    }
    let input = std::io::BufReader::new(std::io::Read::chain(&b"{\"id\":\"a\"}\n"[..], Broken));
    let failed = load::<Partner>("f", input, Encodings::BOTH, &mut Draft::new(), |_| ());
    assert_eq!(failed.err().map(|it| it.to_string()).as_deref(), Some("the disk is gone"));
}
