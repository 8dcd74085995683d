//! Class names that other tools leave in a model's metadata.

use serde_json::{Map, Value};

use crate::graph::Graph;

/// Entries of the metadata under which tools leave them, the surest first: `names` is that of
/// Ultralytics, `id2label` that of Hugging Face.
const KEYS: [&str; 5] = ["names", "id2label", "labels", "class_names", "classes"];

/// Most characters of an entry that is read.
const LONGEST: usize = 1 << 22;

/// The names in the order of the logits, if an entry holds a list of them, or a name for each index: as
/// JSON, or as Python writes it, such as `{0: 'cat', 1: 'dog'}`.
pub(crate) fn read(graph: &Graph) -> Option<Vec<String>> {
    entries(graph).next().map(|(_, names)| names)
}

/// Replaces the names in every entry that holds some, each written as it was.
pub(crate) fn replace(graph: &mut Graph, labels: &[String]) {
    let found: Vec<&'static str> = entries(graph).map(|(key, _)| key).collect();
    for key in found {
        if let Some(text) = graph.metadata.get_mut(key) {
            *text = written_like(text, labels);
        }
    }
}

fn entries(graph: &Graph) -> impl Iterator<Item = (&'static str, Vec<String>)> {
    KEYS.into_iter()
        .filter_map(|key| Some((key, names(graph.metadata.get(key)?)?)))
}

fn names(text: &str) -> Option<Vec<String>> {
    let text = text.trim();
    if text.len() > LONGEST || !text.starts_with(['{', '[', '(']) {
        return None;
    }
    let found: Option<Vec<String>> =
        match serde_json::from_str(text).ok().or_else(|| python(text))? {
            Value::Array(names) => names
                .iter()
                .map(|name| name.as_str().map(str::to_owned))
                .collect(),
            Value::Object(names) => (0..names.len())
                .map(|index| names.get(&index.to_string())?.as_str().map(str::to_owned))
                .collect(),
            _ => None,
        };
    found.filter(|names| !names.is_empty())
}

/// A dictionary, a list or a tuple of strings as Python's `str` writes it.
fn python(text: &str) -> Option<Value> {
    let mut left = Literal(text);
    let value = if left.takes('{') {
        let mut map = Map::new();
        while !left.takes('}') {
            let key = left.number().or_else(|| left.string())?;
            left.takes(':').then_some(())?;
            map.insert(key, Value::String(left.string()?));
            left.end_of_item('}')?;
        }
        Value::Object(map)
    } else {
        let end = if left.takes('[') { ']' } else { ')' };
        if end == ')' && !left.takes('(') {
            return None;
        }
        let mut list = Vec::new();
        while !left.takes(end) {
            list.push(Value::String(left.string()?));
            left.end_of_item(end)?;
        }
        Value::Array(list)
    };
    left.0.trim().is_empty().then_some(value)
}

/// What is left of the text of a Python literal.
struct Literal<'t>(&'t str);

impl Literal<'_> {
    /// Takes `wanted`, if it comes next.
    fn takes(&mut self, wanted: char) -> bool {
        let rest = self.0.trim_start().strip_prefix(wanted);
        rest.map(|rest| self.0 = rest).is_some()
    }

    /// Takes a comma, unless `end` comes next.
    fn end_of_item(&mut self, end: char) -> Option<()> {
        (self.takes(',') || self.0.trim_start().starts_with(end)).then_some(())
    }

    fn number(&mut self) -> Option<String> {
        let text = self.0.trim_start();
        let length = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = text.split_at(length);
        self.0 = rest;
        (length > 0).then(|| number.to_owned())
    }

    fn string(&mut self) -> Option<String> {
        let text = self.0.trim_start();
        let quote = text
            .chars()
            .next()
            .filter(|first| ['\'', '"'].contains(first))?;
        let mut made = String::new();
        let mut chars = text.char_indices().skip(1);
        while let Some((at, char)) = chars.next() {
            match char {
                '\\' => made.push(match chars.next()?.1 {
                    'n' => '\n',
                    't' => '\t',
                    other => other,
                }),
                char if char == quote => {
                    self.0 = &text[at + 1..];
                    return Some(made);
                }
                char => made.push(char),
            }
        }
        None
    }
}

/// `labels` in the form of `text`: JSON or Python, a list or a name for each index.
fn written_like(text: &str, labels: &[String]) -> String {
    let is_json = serde_json::from_str::<Value>(text).is_ok();
    let by_index = text.trim_start().starts_with('{');
    let labels = labels.iter().enumerate().map(|(index, label)| {
        let name = if is_json {
            Value::String(label.clone()).to_string()
        } else {
            format!("'{}'", label.replace('\\', "\\\\").replace('\'', "\\'"))
        };
        match (by_index, is_json) {
            (false, _) => name,
            (true, true) => format!("\"{index}\": {name}"),
            (true, false) => format!("{index}: {name}"),
        }
    });
    let labels = labels.collect::<Vec<_>>().join(", ");
    if by_index {
        format!("{{{labels}}}")
    } else {
        format!("[{labels}]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read_and_written_back() {
        let new = ["it's".to_owned(), "b\"".to_owned()];
        for (text, back) in [
            ("{0: 'cat', 1: \"dog's\"}", "{0: 'it\\'s', 1: 'b\"'}"),
            ("['cat', \"dog's\"]", "['it\\'s', 'b\"']"),
            ("('cat', 'dog\\'s',)", "['it\\'s', 'b\"']"),
            (
                r#"{"0": "cat", "1": "dog's"}"#,
                r#"{"0": "it's", "1": "b\""}"#,
            ),
            (r#"["cat", "dog's"]"#, r#"["it's", "b\""]"#),
        ] {
            let mut graph = Graph::new("g", 17);
            graph.metadata.insert("names".into(), text.into());
            assert_eq!(read(&graph).unwrap(), ["cat", "dog's"], "{text}");
            replace(&mut graph, &new);
            assert_eq!(graph.metadata["names"], back);
            assert_eq!(read(&graph).unwrap(), new, "{text}");
        }
    }

    #[test]
    fn what_is_no_list_of_names_is_left_alone() {
        for text in [
            "cat, dog",
            "{'cat': 0}",
            "{1: 'cat'}",
            "[1, 2]",
            "{0: 'cat'",
            "[]",
            "{0: 'a'} 1",
        ] {
            let mut graph = Graph::new("g", 17);
            graph.metadata.insert("names".into(), text.into());
            assert_eq!(read(&graph), None, "{text}");
            replace(&mut graph, &["x".to_owned()]);
            assert_eq!(graph.metadata["names"], text);
        }
    }
}
