//! Splits a document that is too long for one policy by Region (DESIGN section 4).
//!
//! ```text
//!   a Region that some shard has  ─> stays there
//!   a new one                     ─> the first shard with room, else a new shard
//!   a shard outgrows its policy   ─> its last Regions are copied to another as they are,
//!                                    and leave it once the copy is in force
//! ```
//!
//! Pure, and without memory: where a Region is, is all that is known of where it was.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::document::{self, SIZE_MAX};

/// Blocks of a document, by Region.
pub(super) type Blocks = BTreeMap<String, Value>;

/// Which Region is in which shard.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Placement {
    /// What each shard should say now, by its number. Those that are not live are to be made.
    pub(super) documents: BTreeMap<u32, Blocks>,
    /// Regions that are to leave a shard, because it has no room for them any more; what takes
    /// their place is another shard that says the same of them.
    pub(super) leaving: BTreeMap<u32, BTreeMap<String, u32>>,
    /// Shards that stay as they are until Regions have left them.
    pub(super) full: BTreeSet<u32>,
    /// Regions with no place: their block is too long for any document, or what nobody may move
    /// leaves them no room.
    pub(super) too_long: BTreeSet<String>,
}

/// Places `wanted` blocks on the `live` shards. What no block is wanted for stays as it is.
///
/// # Guarantees
///
/// - No Region is missing from all documents that is live in one.
/// - Of one Region all documents say the same.
/// - No document that differs from the live one is too long.
/// - Once carried out, the same arguments give what is live.
pub(super) fn place(live: &BTreeMap<u32, Blocks>, wanted: &Blocks) -> Placement {
    let outgrown: BTreeSet<u32> =
        live.iter().filter(|(_, it)| !fits(&overlaid(it, wanted))).map(|(it, _)| *it).collect();
    let mut placement = Placement { full: outgrown.clone(), ..Placement::default() };
    let has_room = |shard: &u32| !outgrown.contains(shard);
    let elsewhere = |region: &str| -> Option<u32> {
        live.iter().find(|(it, blocks)| has_room(it) && blocks.contains_key(region)).map(|it| *it.0)
    };
    // What is on the move stays as it is until it has arrived.
    let mut moving = Blocks::new();
    for shard in &outgrown {
        let Some(blocks) = live.get(shard) else { continue };
        let Some(movers) = movers(blocks, wanted, &elsewhere) else {
            let changed = blocks.keys().filter(|it| wanted.contains_key(*it));
            placement.too_long.extend(changed.cloned());
            continue;
        };
        for region in movers {
            let Some(block) = blocks.get(&region) else { continue };
            moving.entry(region.clone()).or_insert_with(|| block.clone());
            if let Some(other) = elsewhere(&region) {
                placement.leaving.entry(*shard).or_default().insert(region, other);
            }
        }
    }
    // What each shard will say in the end: what decides whether there is room.
    let mut ends: BTreeMap<u32, Blocks> = BTreeMap::new();
    for (shard, blocks) in live {
        let new = if has_room(shard) {
            ends.insert(*shard, overlaid(blocks, wanted));
            overlaid(&overlaid(blocks, wanted), &moving)
        } else {
            blocks.clone()
        };
        placement.documents.insert(*shard, if fits(&new) { new } else { blocks.clone() });
    }
    let is_live = |region: &str| live.values().any(|blocks| blocks.contains_key(region));
    let new = wanted.iter().filter(|(region, _)| !is_live(region));
    let copied = moving.iter().filter(|(region, _)| elsewhere(region).is_none());
    let arriving: BTreeMap<&String, &Value> = new.chain(copied).collect();
    for (region, block) in arriving {
        let end = wanted.get(region).unwrap_or(block);
        placement.add(region, (block, end), &mut ends);
    }
    placement
}

impl Placement {
    /// Puts a block into the first shard with room for it, now and in the end, or into a new one.
    fn add(
        &mut self,
        region: &str,
        (block, end): (&Value, &Value),
        ends: &mut BTreeMap<u32, Blocks>,
    ) {
        let with = |blocks: Option<&Blocks>, block: &Value| {
            let mut blocks = blocks.cloned().unwrap_or_default();
            blocks.insert(region.to_owned(), block.clone());
            blocks
        };
        let last = self.documents.keys().next_back().copied().unwrap_or_default();
        let next = (1..=last.saturating_add(1)).find(|it| !self.documents.contains_key(it));
        let found = ends.keys().copied().chain(next).find(|shard| {
            fits(&with(self.documents.get(shard), block)) && fits(&with(ends.get(shard), end))
        });
        let Some(shard) = found else {
            self.too_long.insert(region.to_owned());
            return;
        };
        let document = with(self.documents.get(&shard), block);
        self.documents.insert(shard, document);
        let document = with(ends.get(&shard), end);
        ends.insert(shard, document);
    }
}

/// The Regions that leave a shard for the others to fit: those that another has already, then from
/// the last. `None` if what remains would not fit either: only what a manifest names is moved.
fn movers(
    blocks: &Blocks,
    wanted: &Blocks,
    elsewhere: &dyn Fn(&str) -> Option<u32>,
) -> Option<Vec<String>> {
    let mut rest = overlaid(blocks, wanted);
    let mut candidates: Vec<&String> =
        blocks.keys().filter(|it| wanted.contains_key(*it)).collect();
    candidates.sort_by_key(|region| (elsewhere(region).is_none(), std::cmp::Reverse(*region)));
    let mut movers = Vec::new();
    for region in candidates {
        if fits(&rest) {
            break;
        }
        rest.remove(region);
        movers.push(region.clone());
    }
    fits(&rest).then_some(movers)
}

/// The blocks, as far as `over` has others for them.
fn overlaid(blocks: &Blocks, over: &Blocks) -> Blocks {
    let new = |region: &String, block: &Value| over.get(region).unwrap_or(block).clone();
    blocks.iter().map(|(region, block)| (region.clone(), new(region, block))).collect()
}

fn fits(blocks: &Blocks) -> bool {
    document::size(&document::document(blocks)) <= SIZE_MAX
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// A block of so many characters, and what it says.
    fn block(size: usize, says: &str) -> Value {
        json!({"config_1": {"says": says, "fill": "x".repeat(size)}})
    }

    fn regions(all: &[(&str, usize)], says: &str) -> Blocks {
        all.iter().map(|(region, size)| ((*region).to_owned(), block(*size, says))).collect()
    }

    fn names(placement: &Placement) -> Vec<(u32, Vec<&str>)> {
        let documents = placement.documents.iter();
        documents.map(|(it, blocks)| (*it, blocks.keys().map(String::as_str).collect())).collect()
    }

    /// What is live once `placement` was carried out, Regions leaving last.
    fn carried_out(live: &BTreeMap<u32, Blocks>, placement: &Placement) -> BTreeMap<u32, Blocks> {
        let mut new = placement.documents.clone();
        for (shard, regions) in &placement.leaving {
            for (region, other) in regions {
                assert_eq!(live[shard][region], live[other][region], "left before it arrived");
                new.get_mut(shard).unwrap().remove(region);
            }
        }
        new
    }

    /// Carries out placements until nothing is left to do.
    fn settled(mut live: BTreeMap<u32, Blocks>, wanted: &Blocks) -> BTreeMap<u32, Blocks> {
        for _ in 0..20 {
            let placement = place(&live, wanted);
            let new = carried_out(&live, &placement);
            let all = |world: &BTreeMap<u32, Blocks>| -> BTreeSet<String> {
                world.values().flat_map(|it| it.keys().cloned()).collect()
            };
            assert!(all(&new).is_superset(&all(&live)), "a Region is gone");
            for (shard, blocks) in &new {
                let is_new = live.get(shard) != Some(blocks);
                assert!(!is_new || fits(blocks), "too long");
                for other in new.values() {
                    for (region, block) in blocks {
                        assert!(other.get(region).is_none_or(|it| it == block), "two meanings");
                    }
                }
            }
            if new == live {
                return live;
            }
            live = new;
        }
        panic!("not settled: {live:?}")
    }

    #[test]
    fn what_fits_is_one_document_and_what_does_not_is_split_by_region() {
        let wanted = regions(&[("a", 4000), ("b", 4000), ("c", 4000), ("d", 1000)], "1");
        let small = regions(&[("a", 4000), ("b", 4000)], "1");
        assert_eq!(names(&place(&BTreeMap::new(), &small)), [(1, vec!["a", "b"])]);
        assert_eq!(
            names(&place(&BTreeMap::new(), &wanted)),
            [(1, vec!["a", "b", "d"]), (2, vec!["c"])]
        );
    }

    #[test]
    fn a_region_stays_where_it_is_and_a_new_one_goes_to_the_first_with_room() {
        let live =
            BTreeMap::from([(1, regions(&[("z", 4000)], "1")), (3, regions(&[("a", 8000)], "1"))]);
        let wanted = regions(&[("a", 8000), ("b", 4000), ("c", 4000), ("z", 4000)], "2");
        assert_eq!(
            names(&place(&live, &wanted)),
            [(1, vec!["b", "z"]), (2, vec!["c"]), (3, vec!["a"])]
        );
    }

    #[test]
    fn what_outgrows_its_policy_is_copied_as_it_is_before_it_leaves() {
        let live = BTreeMap::from([(1, regions(&[("a", 4000), ("b", 4000)], "old"))]);
        let wanted = regions(&[("a", 6000), ("b", 6000)], "new");
        let first = place(&live, &wanted);
        assert_eq!(first.documents[&1], live[&1], "nothing changes before there is room");
        assert_eq!(first.documents[&2], regions(&[("b", 4000)], "old"));
        assert!(first.leaving.is_empty());
        assert_eq!(first.full, BTreeSet::from([1]));
        let copied = carried_out(&live, &first);
        let second = place(&copied, &wanted);
        assert_eq!(second.leaving, BTreeMap::from([(1, BTreeMap::from([("b".to_owned(), 2)]))]));
        assert_eq!(second.documents, copied);
        let end = settled(live, &wanted);
        let expected = [(1, "a"), (2, "b")].map(|(it, name)| (it, regions(&[(name, 6000)], "new")));
        assert_eq!(end, BTreeMap::from(expected));
    }

    #[test]
    fn a_block_that_fits_nowhere_is_named_and_holds_nobody_else() {
        let wanted = regions(&[("a", 20_000), ("b", 100)], "1");
        let placement = place(&BTreeMap::new(), &wanted);
        assert_eq!(placement.too_long, BTreeSet::from(["a".to_owned()]));
        assert_eq!(names(&placement), [(1, vec!["b"])]);
    }

    fn any_blocks(says: &'static str) -> impl Strategy<Value = Blocks> {
        prop::collection::btree_map("[a-t]", 100..6000_usize, 0..20).prop_map(move |all| {
            all.into_iter().map(|(region, size)| (region, block(size, says))).collect()
        })
    }

    proptest! {
        #[test]
        fn any_regions_settle_as_wanted_and_stay_where_they_are(
            before in any_blocks("1"), after in any_blocks("2"), more in any_blocks("3"),
        ) {
            let mut live = BTreeMap::new();
            for wanted in [&before, &after] {
                live = settled(live, wanted);
                let said = live.values().flatten().filter(|(it, _)| wanted.contains_key(*it));
                prop_assert_eq!(said.map(|(it, block)| (it.clone(), block.clone())).collect::<Blocks>(), wanted.clone());
                let again = place(&live, wanted);
                prop_assert_eq!(&again.documents, &live);
                prop_assert!(again.leaving.is_empty() && again.full.is_empty());
            }
            // What is wanted in addition moves nobody.
            let mut wanted = after.clone();
            wanted.extend(more.into_iter().filter(|(it, _)| !live.values().any(|all| all.contains_key(it))));
            for (shard, blocks) in &place(&live, &wanted).documents {
                for region in live.get(shard).into_iter().flat_map(BTreeMap::keys) {
                    prop_assert!(blocks.contains_key(region));
                }
            }
        }
    }
}
