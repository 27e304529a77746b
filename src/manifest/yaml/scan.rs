//! The second reading: places, and everything the first parser would let through.

use std::collections::BTreeMap;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Span, StrInput};

use super::super::node::{Entry, Item, Node, Place, Shape};
use super::{DEPTH_MAX, Fault};

/// One document with places, and what is wrong with it.
pub(super) struct Scanned {
    pub(super) node: Node,
    pub(super) faults: Vec<Fault>,
    /// Whether it has anchors or aliases.
    pub(super) expands: bool,
    /// First and last line of every text over several lines, in which a tab is just a character.
    texts: Vec<(usize, usize)>,
}

/// A list or map that is still open.
struct Open {
    place: Place,
    shape: Shape,
    /// The key whose value comes next.
    key: Option<(String, Place)>,
    /// Where each key of the map stands.
    keys: BTreeMap<String, Place>,
}

/// Builds documents from events, without recursion.
#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    root: Option<Node>,
    faults: Vec<Fault>,
    expands: bool,
    texts: Vec<(usize, usize)>,
    /// Whether the last event with content was a block text, which only a line end can end.
    ends_in_block_text: bool,
}

/// Reads all documents.
///
/// # Errors
///
/// A syntax error, after which nothing more can be read.
pub(super) fn scan(text: &str) -> Result<Vec<Scanned>, Fault> {
    let mut parser: Parser<'_, StrInput<'_>> = Parser::new_from_str(text);
    let mut builder = Builder::default();
    let mut documents = Vec::new();
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| {
            Fault::new(place(*error.marker()), format!("is not valid YAML: {}", error.info()))
        })?;
        if matches!(event, Event::DocumentEnd) {
            documents.extend(builder.document());
        } else {
            builder.event(event, span)?;
        }
    }
    if let Some(last) = documents.last_mut()
        && builder.ends_in_block_text
        && !text.ends_with('\n')
    {
        let end = Place { line: text.lines().count(), column: 1 };
        let message = "the file ends in the middle of a block text, as a half-written file does; \
                       end its last line with a line break";
        last.faults.push(Fault::new(end, message));
    }
    Ok(documents)
}

fn place(marker: Marker) -> Place {
    Place { line: marker.line().max(1), column: marker.col() + 1 }
}

impl Builder {
    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), Fault> {
        let place = place(span.start);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse_indirection(place, anchor, tag.is_some());
                self.ends_in_block_text =
                    matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
                self.texts.push((span.start.line(), span.end.line()));
                self.scalar(place, text.into_owned(), style == ScalarStyle::Plain);
            }
            Event::SequenceStart(anchor, tag) => {
                self.refuse_indirection(place, anchor, tag.is_some());
                self.begin(place, Shape::List(Vec::new()))?;
            }
            Event::MappingStart(anchor, tag) => {
                self.refuse_indirection(place, anchor, tag.is_some());
                self.begin(place, Shape::Map(Vec::new()))?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            Event::Alias(_) => {
                self.expands = true;
                self.fault(place, "aliases (`*name`) are not read; write the value out here");
                self.scalar(place, String::new(), true);
            }
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => {}
        }
        Ok(())
    }

    fn fault(&mut self, place: Place, message: impl Into<String>) {
        self.faults.push(Fault::new(place, message));
    }

    fn refuse_indirection(&mut self, place: Place, anchor: usize, is_tagged: bool) {
        if anchor != 0 {
            self.expands = true;
            self.fault(
                place,
                "anchors (`&name`) are not read; write each value out where it is used",
            );
        }
        if is_tagged {
            self.fault(place, "tags (`!name`) are not read; remove it, and put texts in quotes");
        }
    }

    fn begin(&mut self, place: Place, shape: Shape) -> Result<(), Fault> {
        if self.open.len() >= DEPTH_MAX {
            let message = format!("is nested more than {DEPTH_MAX} deep");
            return Err(Fault::new(place, message));
        }
        self.open.push(Open { place, shape, key: None, keys: BTreeMap::new() });
        Ok(())
    }

    fn end(&mut self) {
        if let Some(Open { place, shape, .. }) = self.open.pop() {
            self.ends_in_block_text &= !matches!(&shape, Shape::List(items) if items.is_empty());
            self.add(Node { place, shape });
        }
    }

    fn scalar(&mut self, place: Place, text: String, is_plain: bool) {
        let is_key = self
            .open
            .last()
            .is_some_and(|open| matches!(open.shape, Shape::Map(_)) && open.key.is_none());
        if is_key {
            self.key(place, &text);
        } else {
            self.add(Node { place, shape: Shape::Scalar { text, is_plain } });
        }
    }

    fn key(&mut self, place: Place, text: &str) {
        if let Some(hidden) = text.chars().find(|c| c.is_control() || is_invisible(*c)) {
            let message = format!(
                "the key `{}` holds the invisible character U+{:04X}; write it without",
                visible(text),
                u32::from(hidden)
            );
            self.fault(place, message);
        }
        if text == "<<" {
            self.fault(place, "merge keys (`<<`) are not read; write the fields out here");
        }
        let Some(open) = self.open.last_mut() else { return };
        let first = open.keys.get(text).copied();
        open.keys.entry(text.to_owned()).or_insert(place);
        open.key = Some((text.to_owned(), place));
        if let Some(Place { line, column }) = first {
            let message = format!(
                "the key `{text}` is already at {line}:{column}; which of the two would count is a \
                 guess, so remove one"
            );
            self.fault(place, message);
        }
    }

    /// Puts a finished value where it belongs.
    fn add(&mut self, node: Node) {
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return;
        };
        match (&mut open.shape, open.key.take()) {
            (Shape::List(items), _) => items.push(Item { index: items.len(), node }),
            (Shape::Map(entries), Some((key, key_place))) => {
                entries.push(Entry { key, key_place, node });
            }
            (Shape::Map(_), None) => {
                open.key = Some((String::new(), node.place));
                self.faults.push(Fault::new(node.place, "a key is a text, not a list or a map"));
            }
            (Shape::Scalar { .. }, _) => {}
        }
    }

    fn document(&mut self) -> Option<Scanned> {
        self.open.clear();
        let node = self.root.take()?;
        let (faults, texts) = (std::mem::take(&mut self.faults), std::mem::take(&mut self.texts));
        Some(Scanned { node, faults, expands: std::mem::take(&mut self.expands), texts })
    }
}

/// Writes a text so that what is invisible in it can be seen.
fn visible(text: &str) -> String {
    let shown = |c: char| {
        if c.is_control() || is_invisible(c) {
            c.escape_unicode().to_string()
        } else {
            c.to_string()
        }
    };
    text.chars().map(shown).collect()
}

/// Characters that no reviewer sees: formatting of direction and zero-width ones.
fn is_invisible(c: char) -> bool {
    turns_direction(c)
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{061c}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
}

/// Characters that make a line read in another order than it is parsed.
fn turns_direction(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Characters that end a line in YAML 1.1 and do not in YAML 1.2.
fn separates_lines(c: char) -> bool {
    matches!(c, '\u{2028}' | '\u{2029}')
}

/// What no manifest may hold anywhere, comments included.
pub(super) fn raw_faults(text: &str) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (line, content) in text.lines().enumerate() {
        let forbidden =
            |c: char| (c.is_control() && c != '\t') || turns_direction(c) || separates_lines(c);
        let found = content.chars().enumerate().find(|(_, c)| forbidden(*c));
        if let Some((column, c)) = found {
            let code = u32::from(c);
            let message = format!(
                "holds the invisible character U+{code:04X}, with which a text reads otherwise than \
                 it is parsed; remove it, or write \"\\u{code:04X}\" in double quotes"
            );
            faults.push(Fault::new(Place { line: line + 1, column: column + 1 }, message));
        }
    }
    faults
}

/// Tabs that indent, outside texts over several lines.
pub(super) fn tabs(text: &str, documents: &[Scanned]) -> Vec<Fault> {
    let is_text = |line: usize| {
        documents.iter().flat_map(|it| &it.texts).any(|(from, to)| *from < line && line <= *to)
    };
    text.lines()
        .enumerate()
        .filter_map(|(index, line)| tab_in(line, index + 1))
        .filter(|fault| !is_text(fault.place.line))
        .collect()
}

/// The last tab that indents at or before `line`.
pub(super) fn tab_before(text: &str, line: usize) -> Option<Fault> {
    let lines = text.lines().enumerate().take(line);
    lines.filter_map(|(index, content)| tab_in(content, index + 1)).last()
}

fn tab_in(line: &str, number: usize) -> Option<Fault> {
    let content = line.trim_start();
    if content.is_empty() || content.starts_with('#') {
        return None;
    }
    let column = line.chars().take_while(|c| c.is_whitespace()).position(|c| c == '\t')? + 1;
    let message = "a tab indents this line; YAML is indented by spaces alone";
    Some(Fault::new(Place { line: number, column }, message))
}
