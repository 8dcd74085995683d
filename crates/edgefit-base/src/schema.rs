//! JSON documents that name their own schema, such as `"schema": "edgefit.check/1"`.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Why a text is not a document of the schema that was asked for.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The text is not JSON, or lacks what the schema asks for.
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    /// The document is of another schema, or of another version of it.
    #[error("its schema is '{found}', not '{expected}'")]
    OtherSchema {
        /// What the document says.
        found: String,
        /// What was asked for.
        expected: &'static str,
    },
}

#[derive(Serialize)]
struct Document<'a, T> {
    schema: &'a str,
    #[serde(flatten)]
    content: &'a T,
}

/// A document in one line: `content`, which must be an object, with its schema in front.
///
/// ```
/// let text = edgefit_base::schema::to_json("edgefit.example/1", &std::collections::BTreeMap::from([("x", 1)]));
/// assert_eq!(text.unwrap(), r#"{"schema":"edgefit.example/1","x":1}"#);
/// ```
///
/// # Errors
/// `content` is no object.
pub fn to_json(schema: &str, content: &impl Serialize) -> serde_json::Result<String> {
    serde_json::to_string(&Document { schema, content })
}

/// As [`to_json`], indented.
///
/// # Errors
/// As [`to_json`].
pub fn to_json_pretty(schema: &str, content: &impl Serialize) -> serde_json::Result<String> {
    serde_json::to_string_pretty(&Document { schema, content })
}

/// Reads the content of a document.
///
/// # Errors
/// See [`enum@Error`]; a document of another schema is told as such, whatever else it lacks.
pub fn from_json<T: DeserializeOwned>(text: &str, schema: &'static str) -> Result<T, Error> {
    let mut document: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text)?;
    let found = match document.remove("schema") {
        Some(serde_json::Value::String(found)) => found,
        _ => String::new(),
    };
    if found != schema {
        let expected = schema;
        return Err(Error::OtherSchema { found, expected });
    }
    Ok(serde_json::from_value(document.into())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Content {
        value: u32,
    }

    const SCHEMA: &str = "edgefit.example/1";

    #[test]
    fn what_is_written_is_read() {
        let content = Content { value: 7 };
        let text = to_json(SCHEMA, &content).unwrap();
        assert_eq!(from_json::<Content>(&text, SCHEMA).unwrap(), content);
        let pretty = to_json_pretty(SCHEMA, &content).unwrap();
        assert_eq!(from_json::<Content>(&pretty, SCHEMA).unwrap(), content);
    }

    #[test]
    fn another_schema_is_named() {
        let error = |text: &str| from_json::<Content>(text, SCHEMA).unwrap_err().to_string();
        let other = error(r#"{"schema": "edgefit.example/2", "size": 1}"#);
        assert_eq!(
            other,
            "its schema is 'edgefit.example/2', not 'edgefit.example/1'"
        );
        assert!(error(r#"{"value": 1}"#).starts_with("its schema is ''"));
        assert!(error("{").contains("EOF"));
        assert!(error(r#"{"schema": "edgefit.example/1"}"#).contains("missing field `value`"));
    }
}
