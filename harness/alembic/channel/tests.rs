use proptest::prelude::*;

use super::*;

const KEY: &str = "0123456789abcdef";

/// The events that a decoder makes of bytes that arrive in pieces of these sizes.
fn decoded(bytes: &[u8], pieces: &[usize]) -> Vec<Result<Event, String>> {
    let mut decoder = Decoder::new(KEY);
    let mut heard = Vec::new();
    let (mut rest, mut sizes) = (bytes, pieces.iter().cycle());
    loop {
        while let Some(event) = decoder.decode() {
            let spoiled = event.is_err();
            heard.push(event);
            if spoiled {
                return heard;
            }
        }
        if rest.is_empty() {
            return heard;
        }
        let size = sizes.next().map_or(1, |size| (*size).clamp(1, rest.len()));
        decoder.feed(&rest[..size]);
        rest = &rest[size..];
    }
}

fn done(number: u64) -> String {
    format!("{KEY} {{\"event\":\"done\",\"number\":{number},\"seconds\":0.5}}\n")
}

fn event(number: u64) -> Event {
    Event::Done {
        number,
        seconds: 0.5,
    }
}

#[test]
fn an_answer_without_the_key_spoils_the_channel_for_good() {
    let forged = r#"{"event":"answer","ok":{"contexts":[]}}"#;
    let text = format!("{}{forged}\n{}", done(1), done(2));
    assert_eq!(
        decoded(text.as_bytes(), &[text.len()]),
        [Ok(event(1)), Err(forged.to_owned())]
    );
}

#[test]
fn a_password_that_json_escapes_is_masked() {
    let password = r#"a "quoted" \ pässword"#;
    let message = serde_json::json!({"event": "failed", "number": 1, "seconds": 0.5,
        "sqlstate": null, "message": format!("no {password}")});
    // As the worker writes it, with `ensure_ascii`.
    let line = format!("{KEY} {message}\n").replace('ä', "\\u00e4");
    let mut decoder = Decoder::new(KEY);
    decoder.mask(Secret::new([password]));
    decoder.feed(line.as_bytes());
    let event = decoder.decode();
    assert!(
        matches!(&event, Some(Ok(Event::Failed { message, .. })) if message == "no ***"),
        "{event:?}"
    );
}

#[test]
fn what_cannot_become_an_event_is_not_waited_for() {
    assert_eq!(decoded(b"\0\xff{", &[2]), [Err(" \u{fffd}".to_owned())]);
    let endless = format!("{KEY} ").into_bytes();
    let mut decoder = Decoder::new(KEY);
    decoder.feed(&endless);
    for _ in 0..=(LONGEST >> 20) {
        decoder.feed(&vec![b'x'; 1 << 20]);
    }
    assert!(matches!(decoder.decode(), Some(Err(_))));
    assert!(decoder.buffer.is_empty());
}

proptest! {
    #[test]
    fn events_are_the_same_however_they_are_cut(
        numbers in prop::collection::vec(any::<u64>(), 0..8),
        pieces in prop::collection::vec(1_usize..200, 1..8),
    ) {
        let text: String = numbers.iter().map(|number| done(*number)).collect();
        let all: Vec<_> = numbers.iter().map(|number| Ok(event(*number))).collect();
        prop_assert_eq!(decoded(text.as_bytes(), &pieces), all);
    }

    #[test]
    fn any_bytes_end_in_events_or_in_a_spoiled_channel(
        before in 0..3_u64,
        noise in prop::collection::vec(any::<u8>(), 0..300),
        keyed in any::<bool>(),
        pieces in prop::collection::vec(1_usize..64, 1..8),
    ) {
        let mut bytes: Vec<u8> = (0..before).flat_map(|n| done(n).into_bytes()).collect();
        if keyed {
            bytes.extend_from_slice(format!("{KEY} ").as_bytes());
        }
        bytes.extend_from_slice(&noise);
        bytes.push(b'\n');
        let heard = decoded(&bytes, &pieces);
        for number in 0..before {
            prop_assert_eq!(heard.get(number as usize), Some(&Ok(event(number))));
        }
        prop_assert!(matches!(heard.last(), Some(Err(_))), "{:?}", heard);
    }
}
