//! OAUTHBEARER tokens against a broker that only logs in.

use std::{
    fs,
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    sync::Mutex,
};

use rdkafka::{
    ClientConfig,
    consumer::{BaseConsumer, Consumer as _},
};

use super::*;
use crate::kafka::context::Context;

/// `{"alg":"none"}` . `{"sub":"router","exp":1700000000}`
const JWT: &str = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJyb3V0ZXIiLCJleHAiOjE3MDAwMDAwMDB9.c2ln";

fn security(file: &Path) -> Security {
    Security {
        mechanism: Some(Mechanism::OauthBearer),
        token_file: Some(file.to_owned()),
        token_extensions: [("logicalCluster", "lkc-1"), ("identityPoolId", "pool-1")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        ..Security::default()
    }
}

#[test]
fn a_jwt_says_itself_whose_it_is_and_when_it_ends() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    fs::write(&file, format!("{JWT}\n")).unwrap();
    for token_lifetime_ms in [None, Some(60_000)] {
        let token = Token::read(&Security { token_lifetime_ms, ..security(&file) }).unwrap();
        assert_eq!((token.value.as_str(), token.principal.as_str()), (JWT, "router"));
        assert_eq!(token.ends_ms, 1_700_000_000_000);
    }
}

#[test]
fn an_opaque_token_lasts_as_long_as_the_setting_says_and_is_refused_without_one() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    // Two dots do not make a JWT, and a JWT need not have an end.
    for opaque in ["canary", "ca.na.ry", "eyJhbGciOiJub25lIn0.e30.c2ln"] {
        fs::write(&file, format!(" {opaque}\n")).unwrap();
        let error = Token::read(&security(&file)).unwrap_err();
        assert_eq!(error, NoToken::NoEnd, "{opaque}");
        assert!(!error.to_string().contains(opaque));
        let before = now_ms();
        let token = Token::read(&Security { token_lifetime_ms: Some(60_000), ..security(&file) }).unwrap();
        assert_eq!(token.value, opaque);
        assert!((before + 60_000..=now_ms() + 60_000).contains(&token.ends_ms));
    }
    fs::write(&file, "\n").unwrap();
    assert_eq!(Token::read(&security(&file)), Err(NoToken::Empty));
}

struct Seen(Mutex<mpsc::Sender<String>>);

impl LogIn for Seen {
    fn set_token(&self, token: &Token) -> Result<(), String> {
        self.0.lock().unwrap().send(token.value.clone()).map_err(|error| error.to_string())
    }
}

#[test]
fn a_token_that_nears_its_end_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    fs::write(&file, "first").unwrap();
    let watch = Watch::new(&Security { token_lifetime_ms: Some(1_000), ..security(&file) });
    let (seen, tokens) = mpsc::channel();
    let client = Arc::new(Seen(Mutex::new(seen)));
    let login = keep_logged_in(&watch, Arc::<Seen>::clone(&client));
    assert_eq!(tokens.try_recv().unwrap(), "first", "there is a token at once");
    fs::write(&file, "second").unwrap();
    while tokens.recv_timeout(Duration::from_secs(20)).unwrap() != "second" {}
    drop(login);
    assert_eq!(Arc::strong_count(&client), 1, "nothing holds on to the client");
}

#[test]
fn extensions_and_an_opaque_token_reach_the_broker() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    fs::write(&file, "opaque").unwrap();
    let watch = Watch::new(&Security { token_lifetime_ms: Some(60_000), ..security(&file) });
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let consumer: BaseConsumer<Context> = ClientConfig::new()
        .set("bootstrap.servers", listener.local_addr().unwrap().to_string())
        .set("group.id", "g")
        .set("security.protocol", "SASL_PLAINTEXT")
        .set("sasl.mechanism", "OAUTHBEARER")
        .create_with_context(Context(watch.clone()))
        .unwrap();
    watch.log_in(consumer.client()).unwrap();
    let (message, messages) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // librdkafka tries again when a connection ends early.
            if let Ok(first) = first_message(stream) {
                return message.send(first);
            }
        }
        Ok(())
    });
    // RFC 7628, section 3.1, with the extensions of KIP-342 in the order of their names.
    let expected = "n,,\x01auth=Bearer opaque\x01identityPoolId=pool-1\x01logicalCluster=lkc-1\x01\x01";
    let deadline = std::time::Instant::now() + Duration::from_secs(30);
    let found = loop {
        assert!(std::time::Instant::now() < deadline, "the client does not log in");
        drop(consumer.poll(Duration::from_millis(50)));
        if let Ok(found) = messages.try_recv() {
            break found;
        }
    };
    assert_eq!(String::from_utf8_lossy(&found), expected);
}

/// Plays a broker up to the client's first SASL message.
fn first_message(mut stream: TcpStream) -> io::Result<Vec<u8>> {
    loop {
        let (key, version, correlation, body) = request(&mut stream)?;
        let mut answer = correlation.to_vec();
        match (key, version) {
            // ApiVersions: only version 0, which knows SaslHandshake, ApiVersions and SaslAuthenticate.
            (18, 0) => {
                answer.extend([0, 0, 0, 0, 0, 3]);
                for (key, newest) in [(17_u8, 1_u8), (18, 0), (36, 0)] {
                    answer.extend([0, key, 0, 0, 0, newest]);
                }
            }
            (18, _) => answer.extend([0, 35, 0, 0, 0, 1, 0, 18, 0, 0, 0, 0]),
            (17, _) => {
                answer.extend([0, 0, 0, 0, 0, 1, 0, 11]);
                answer.extend(b"OAUTHBEARER");
            }
            // SaslAuthenticate: the client's id of the header, then the message with its length.
            (36, _) => return Ok(body[4..].to_vec()),
            other => panic!("a request that nobody expects: {other:?}"),
        }
        stream.write_all(&u32::try_from(answer.len()).unwrap().to_be_bytes())?;
        stream.write_all(&answer)?;
    }
}

/// A request's key, version, correlation id, and what follows the client's id.
fn request(stream: &mut TcpStream) -> io::Result<(u8, u8, [u8; 4], Vec<u8>)> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let mut bytes = vec![0; u32::from_be_bytes(length) as usize];
    stream.read_exact(&mut bytes)?;
    let client = usize::from(u16::from_be_bytes([bytes[8], bytes[9]]));
    Ok((bytes[1], bytes[3], [bytes[4], bytes[5], bytes[6], bytes[7]], bytes[10 + client..].to_vec()))
}
