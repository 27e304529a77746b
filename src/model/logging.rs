//! Model invocation logging: where an account's calls of models are logged in a Region
//! (`aws-facts` 1.12).

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::cell::Cell;
use super::desired::{OnForeign, Presence};
use super::ids::Name;
use super::template::Template;

/// A kind of data that calls carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum DataKind {
    /// `textDataDeliveryEnabled`.
    Text,
    /// `imageDataDeliveryEnabled`.
    Image,
    /// `embeddingDataDeliveryEnabled`.
    Embedding,
    /// `videoDataDeliveryEnabled`.
    Video,
    /// `audioDataDeliveryEnabled`.
    Audio,
}

impl DataKind {
    /// Every kind, in the order of the AWS reference.
    pub const ALL: [Self; 5] = [Self::Text, Self::Image, Self::Embedding, Self::Video, Self::Audio];

    /// The field that AWS has for it.
    pub fn field(self) -> &'static str {
        match self {
            Self::Text => "textDataDeliveryEnabled",
            Self::Image => "imageDataDeliveryEnabled",
            Self::Embedding => "embeddingDataDeliveryEnabled",
            Self::Video => "videoDataDeliveryEnabled",
            Self::Audio => "audioDataDeliveryEnabled",
        }
    }
}

/// A bucket, and where in it. `T` is what names are: text in a cell, a [`Template`] in a manifest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Bucket<T> {
    /// Its name.
    pub name: T,
    /// What keys begin with; none is the same as an empty one.
    pub prefix: Option<T>,
}

/// A log group, and the role Bedrock writes to it with.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct LogGroup<T> {
    /// Its name.
    pub name: T,
    /// The ARN of the role.
    pub role: T,
    /// Where goes what is too large for it.
    pub large_data: Option<Bucket<T>>,
}

/// One configuration in canonical form.
///
/// AWS does not say what it takes a missing delivery flag for, so none is left out: a kind that the
/// text does not mention is delivered, and one that AWS does not mention counts as delivered.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Logging<T> {
    /// `cloudWatchConfig`.
    pub log_group: Option<LogGroup<T>>,
    /// `s3Config`.
    pub bucket: Option<Bucket<T>>,
    /// Which kinds of data are delivered.
    pub delivered: BTreeSet<DataKind>,
}

/// A configuration as it is, or should be, in one cell.
pub type LoggingConfig = Logging<String>;

impl<T> Bucket<T> {
    fn try_map<U>(&self, with: &mut impl FnMut(&T) -> Option<U>) -> Option<Bucket<U>> {
        let prefix = match &self.prefix {
            Some(prefix) => Some(with(prefix)?),
            None => None,
        };
        Some(Bucket { name: with(&self.name)?, prefix })
    }
}

impl<T> Logging<T> {
    /// The same with every text replaced; `None` as soon as `with` has none for one.
    pub fn try_map<U>(&self, mut with: impl FnMut(&T) -> Option<U>) -> Option<Logging<U>> {
        let log_group = match &self.log_group {
            Some(LogGroup { name, role, large_data }) => {
                let large_data = match large_data {
                    Some(bucket) => Some(bucket.try_map(&mut with)?),
                    None => None,
                };
                Some(LogGroup { name: with(name)?, role: with(role)?, large_data })
            }
            None => None,
        };
        let bucket = match &self.bucket {
            Some(bucket) => Some(bucket.try_map(&mut with)?),
            None => None,
        };
        Some(Logging { log_group, bucket, delivered: self.delivered.clone() })
    }

    /// The buckets it names.
    pub fn buckets(&self) -> impl Iterator<Item = &Bucket<T>> {
        let large_data = self.log_group.iter().filter_map(|group| group.large_data.as_ref());
        self.bucket.iter().chain(large_data)
    }
}

impl<T: Serialize> Logging<T> {
    /// The configuration as AWS spells it, every delivery flag written out.
    pub fn document(&self) -> Value {
        let mut document = Map::new();
        if let Some(LogGroup { name, role, large_data }) = &self.log_group {
            let mut group = json!({"logGroupName": name, "roleArn": role});
            if let Some(large_data) = large_data {
                group["largeDataDeliveryS3Config"] = of_bucket(large_data);
            }
            document.insert("cloudWatchConfig".to_owned(), group);
        }
        document.extend(self.bucket.iter().map(|it| ("s3Config".to_owned(), of_bucket(it))));
        for kind in DataKind::ALL {
            document.insert(kind.field().to_owned(), json!(self.delivered.contains(&kind)));
        }
        Value::Object(document)
    }
}

fn of_bucket<T: Serialize>(bucket: &Bucket<T>) -> Value {
    match &bucket.prefix {
        Some(prefix) => json!({"bucketName": bucket.name, "keyPrefix": prefix}),
        None => json!({"bucketName": bucket.name}),
    }
}

impl Logging<Template> {
    /// The configuration of one cell.
    pub fn render(&self, cell: &Cell, partition: &str) -> LoggingConfig {
        let text = |template: &Template| template.render(cell, partition);
        let bucket = |it: &Bucket<Template>| Bucket {
            name: text(&it.name),
            prefix: it.prefix.as_ref().map(text).filter(|prefix| !prefix.is_empty()),
        };
        Logging {
            log_group: self.log_group.as_ref().map(|group| LogGroup {
                name: text(&group.name),
                role: text(&group.role),
                large_data: group.large_data.as_ref().map(bucket),
            }),
            bucket: self.bucket.as_ref().map(bucket),
            delivered: self.delivered.clone(),
        }
    }
}

impl LoggingConfig {
    /// The configuration that gives this one in `cell`, with as many placeholders as fit; `None` if
    /// a text of it looks as if it held one.
    pub fn recognise(&self, cell: &Cell, partition: &str) -> Option<Logging<Template>> {
        self.try_map(|text| Template::recognise(text, cell, partition))
    }

    /// Whether all that `other` logs is logged by this one too, in the same places.
    pub fn covers(&self, other: &Self) -> bool {
        let keeps = |other: bool, is_same: bool| !other || is_same;
        let bucket_of = |config: &Self| config.log_group.clone().and_then(|it| it.large_data);
        let group_of = |config: &Self| config.log_group.clone().map(|it| it.name);
        keeps(other.bucket.is_some(), self.bucket == other.bucket)
            && keeps(other.log_group.is_some(), group_of(self) == group_of(other))
            && keeps(bucket_of(other).is_some(), bucket_of(self) == bucket_of(other))
            && self.delivered.is_superset(&other.delivered)
    }

    /// Whether all that `other` logs is logged by this one too, wherever.
    pub fn logs_as_much_as(&self, other: &Self) -> bool {
        let has_large = |config: &Self| {
            config.log_group.as_ref().is_some_and(|group| group.large_data.is_some())
        };
        (self.bucket.is_some() || other.bucket.is_none())
            && (self.log_group.is_some() || other.log_group.is_none())
            && (has_large(self) || !has_large(other))
            && self.delivered.is_superset(&other.delivered)
    }
}

/// One cell's invocation logging.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DesiredLogging {
    /// Whether it should be logged.
    pub state: Presence,
    /// The manifest that claims the cell.
    pub manifest: Name,
    /// What should be there; with [`Presence::Absent`], what is taken away if it is there.
    pub config: LoggingConfig,
    /// What to do with somebody else's configuration.
    pub on_foreign: OnForeign,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(name: &str) -> LoggingConfig {
        Logging {
            log_group: None,
            bucket: Some(Bucket { name: name.to_owned(), prefix: None }),
            delivered: DataKind::ALL.into(),
        }
    }

    #[test]
    fn what_covers_keeps_every_place_and_kind() {
        let (one, other) = (bucket("one"), bucket("other"));
        let group = LogGroup { name: "g".to_owned(), role: "r".to_owned(), large_data: None };
        let both = Logging { log_group: Some(group), ..one.clone() };
        let less = Logging { delivered: [DataKind::Text].into(), ..one.clone() };
        let rows = [
            (&one, &one, (true, true)),
            (&both, &one, (true, true)),
            (&one, &both, (false, false)),
            (&one, &other, (false, true)),
            (&less, &one, (false, false)),
            (&one, &less, (true, true)),
        ];
        for (new, old, expected) in rows {
            assert_eq!((new.covers(old), new.logs_as_much_as(old)), expected, "{new:?} {old:?}");
        }
    }
}
