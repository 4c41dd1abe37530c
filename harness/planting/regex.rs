//! Texts that match a regular expression: [`sample`], for what CHECKs and domains commonly
//! ask for. Whether a text does match, PostgreSQL says.

/// A text for the expression, in which nothing is repeated more than `most` times that need
/// not be; another `seed` gives another text where there are several.
/// `None` where the expression uses what is not known here.
#[must_use]
pub fn sample(expression: &str, seed: u32, most: u32) -> Option<String> {
    let mut reader = Reader {
        letters: expression.chars().collect(),
        at: 0,
    };
    let node = reader.alternatives()?;
    if reader.at < reader.letters.len() {
        return None;
    }
    let mut written = String::new();
    let mut state = u64::from(seed).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    node.write(&mut written, &mut state, most);
    Some(written)
}

enum Node {
    Nothing,
    Class(Vec<char>),
    Sequence(Vec<Node>),
    Either(Vec<Node>),
    Repeated(Box<Node>, u32, u32),
}

/// Next number below `limit`.
fn roll(state: &mut u64, limit: usize) -> usize {
    *state = state
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    let limit = u64::try_from(limit.max(1)).unwrap_or(1);
    usize::try_from((*state >> 33) % limit).unwrap_or_default()
}

impl Node {
    fn write(&self, written: &mut String, state: &mut u64, limit: u32) {
        match self {
            Self::Nothing => {}
            Self::Class(letters) => written.extend(letters.get(roll(state, letters.len()))),
            Self::Sequence(nodes) => nodes
                .iter()
                .for_each(|node| node.write(written, state, limit)),
            Self::Either(nodes) => {
                if let Some(node) = nodes.get(roll(state, nodes.len())) {
                    node.write(written, state, limit);
                }
            }
            Self::Repeated(node, least, most) => {
                let times = (*least).max((*most).min(limit));
                (0..times).for_each(|_| node.write(written, state, limit));
            }
        }
    }
}

struct Reader {
    letters: Vec<char>,
    at: usize,
}

const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";
const DIGITS: &str = "0123456789";

impl Reader {
    fn peek(&self) -> Option<char> {
        self.letters.get(self.at).copied()
    }

    fn eat(&mut self, letter: char) -> bool {
        let is_next = self.peek() == Some(letter);
        self.at += usize::from(is_next);
        is_next
    }

    fn alternatives(&mut self) -> Option<Node> {
        let mut nodes = vec![self.sequence()?];
        while self.eat('|') {
            nodes.push(self.sequence()?);
        }
        Some(Node::Either(nodes))
    }

    fn sequence(&mut self) -> Option<Node> {
        let mut nodes = Vec::new();
        while self.peek().is_some_and(|next| next != '|' && next != ')') {
            let node = self.atom()?;
            nodes.push(self.quantified(node)?);
        }
        Some(Node::Sequence(nodes))
    }

    fn quantified(&mut self, node: Node) -> Option<Node> {
        let (least, most) = match self.peek() {
            Some('*') => (0, u32::MAX),
            Some('+') => (1, u32::MAX),
            Some('?') => (0, 1),
            Some('{') => {
                self.at += 1;
                let least = self.number()?;
                let most = match self.eat(',') {
                    true if self.peek() == Some('}') => u32::MAX,
                    true => self.number()?,
                    false => least,
                };
                if self.peek() != Some('}') || least > 1_000 {
                    return None;
                }
                (least, most)
            }
            _ => return Some(node),
        };
        self.at += 1;
        self.eat('?');
        Some(Node::Repeated(Box::new(node), least, most))
    }

    fn number(&mut self) -> Option<u32> {
        let mut digits = String::new();
        while let Some(digit) = self.peek().filter(char::is_ascii_digit) {
            digits.push(digit);
            self.at += 1;
        }
        digits.parse().ok()
    }

    fn atom(&mut self) -> Option<Node> {
        let letter = self.peek()?;
        self.at += 1;
        Some(match letter {
            '^' | '$' => Node::Nothing,
            '.' => Node::Class(LOWER.chars().collect()),
            '(' => {
                if self.eat('?') && !self.eat(':') {
                    return None;
                }
                let node = self.alternatives()?;
                self.eat(')').then_some(node)?
            }
            '[' => Node::Class(self.class()?),
            '\\' => self.escape()?,
            '*' | '+' | '?' | '{' => return None,
            plain => Node::Class(vec![plain]),
        })
    }

    fn escape(&mut self) -> Option<Node> {
        let letter = self.peek()?;
        self.at += 1;
        Some(match letter {
            'A' | 'Z' | 'm' | 'M' | 'y' => Node::Nothing,
            _ => Node::Class(escaped(letter)?),
        })
    }

    fn class(&mut self) -> Option<Vec<char>> {
        let is_negated = self.eat('^');
        let mut letters = Vec::new();
        let start = self.at;
        loop {
            let letter = self.peek()?;
            self.at += 1;
            match letter {
                ']' if self.at > start + 1 => break,
                '[' if self.eat(':') => letters.extend(self.named()?),
                '\\' => {
                    let next = self.peek()?;
                    self.at += 1;
                    letters.extend(escaped(next)?);
                }
                first => {
                    let is_span = self.peek() == Some('-')
                        && self.letters.get(self.at + 1).is_some_and(|end| *end != ']');
                    if is_span {
                        let end = *self.letters.get(self.at + 1)?;
                        self.at += 2;
                        letters.extend((first..=end).take(200));
                    } else {
                        letters.push(first);
                    }
                }
            }
        }
        if is_negated {
            let all = LOWER
                .chars()
                .chain(DIGITS.chars())
                .chain("_-ABCXYZ".chars());
            return Some(all.filter(|one| !letters.contains(one)).collect());
        }
        Some(letters)
    }

    /// The letters of `[:alpha:]`, whose `[:` is read already.
    fn named(&mut self) -> Option<Vec<char>> {
        let rest: String = self.letters[self.at..].iter().collect();
        let (name, _) = rest.split_once(":]")?;
        self.at += name.chars().count() + 2;
        let text = match name {
            "alpha" | "lower" => LOWER.to_owned(),
            "upper" => LOWER.to_uppercase(),
            "digit" => DIGITS.to_owned(),
            "alnum" => format!("{LOWER}{DIGITS}"),
            "xdigit" => format!("{DIGITS}abcdef"),
            "space" => " ".to_owned(),
            "punct" => "-".to_owned(),
            _ => return None,
        };
        Some(text.chars().collect())
    }
}

fn escaped(letter: char) -> Option<Vec<char>> {
    let text = match letter {
        'd' => DIGITS.to_owned(),
        'w' => format!("{LOWER}{DIGITS}"),
        's' => " ".to_owned(),
        'S' | 'D' | 'W' => LOWER.to_owned(),
        plain if plain.is_ascii_alphanumeric() => return None,
        plain => plain.to_string(),
    };
    Some(text.chars().collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::sample;

    #[test]
    fn texts_follow_the_expression() {
        assert_eq!(sample("^abc$", 1, 6).unwrap(), "abc");
        let code = sample(r"^[A-Z]{2}\d{3}$", 7, 6).unwrap();
        assert_eq!(code.len(), 5);
        assert!(code[..2].chars().all(|one| one.is_ascii_uppercase()));
        assert!(code[2..].chars().all(|one| one.is_ascii_digit()));
        let mail = sample(r"^[a-z0-9._%+-]+@[a-z0-9.-]+\.[a-z]{2,}$", 3, 6).unwrap();
        assert!(mail.contains('@') && mail.contains('.'), "{mail}");
        assert!(["a", "b"].contains(&sample("(a|b)", 5, 6).unwrap().as_str()));
        assert_eq!(sample("[[:digit:]]{4}", 5, 6).unwrap().len(), 4);
    }

    #[test]
    fn seeds_give_different_texts() {
        let texts: std::collections::BTreeSet<_> = (1..20)
            .filter_map(|seed| sample("^[a-z]{8}$", seed, 6))
            .collect();
        assert!(texts.len() > 15, "{texts:?}");
    }

    #[test]
    fn what_is_not_known_gives_nothing() {
        assert_eq!(sample("(?=a)b", 1, 6), None);
        assert_eq!(sample("(a", 1, 6), None);
        assert_eq!(sample("[a", 1, 6), None);
    }
}
