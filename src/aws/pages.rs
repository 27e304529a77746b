//! Reads every page of a list, or fails: a list is complete or it is nothing.

use std::collections::BTreeSet;

use super::error::{AwsError, ErrorClass};
use super::operation::Operation;

/// Attempts at one page while AWS throttles. Each waits for its turn in a lane that the throttle
/// has slowed down; more of them would keep a visit that others wait for.
const ATTEMPTS_MAX: u32 = 4;

/// Calls `page` with each token until there is none.
///
/// A page may be empty and still have a successor (`aws-facts` 4.3). A token that was there before
/// would repeat for ever, and is an error. A page that is throttled is asked for again:
/// to start a list over would ask for all of its pages again, when AWS has asked for fewer calls.
pub(super) async fn all<T, F>(
    operation: Operation,
    mut page: impl FnMut(Option<String>) -> F,
) -> Result<Vec<T>, AwsError>
where
    F: Future<Output = Result<(Option<Vec<T>>, Option<String>), AwsError>>,
{
    let mut all = Vec::new();
    let mut token: Option<String> = None;
    let mut seen = BTreeSet::new();
    loop {
        let (items, next) = unthrottled(|| page(token.clone())).await?;
        all.extend(items.into_iter().flatten());
        let next = next.filter(|next| !next.is_empty());
        #[cfg(feature = "planted")]
        let next = next.filter(|_| !crate::planted::is(crate::planted::Planted::PageDropped));
        let Some(next) = next else { return Ok(all) };
        if !seen.insert(next.clone()) {
            let message = "AWS sent the same page token twice; the list cannot be completed";
            return Err(AwsError::ours(ErrorClass::Unknown, operation.name, message));
        }
        token = Some(next);
    }
}

async fn unthrottled<T, F>(mut page: impl FnMut() -> F) -> Result<T, AwsError>
where
    F: Future<Output = Result<T, AwsError>>,
{
    let mut attempts = 1;
    loop {
        match page().await {
            Err(error) if error.class == ErrorClass::Throttled && attempts < ATTEMPTS_MAX => {
                attempts += 1;
            }
            answer => return answer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::operation::LIST_ROOTS;
    use super::*;

    async fn read(pages: &[(&[u8], Option<&str>)]) -> Result<Vec<u8>, AwsError> {
        let mut pages = pages.iter();
        all(LIST_ROOTS, |_| {
            let (items, next) = pages.next().unwrap();
            std::future::ready(Ok((Some(items.to_vec()), next.map(str::to_owned))))
        })
        .await
    }

    #[tokio::test]
    async fn an_empty_page_is_not_the_end() {
        let pages: [(&[u8], _); 3] = [(&[1], Some("a")), (&[], Some("b")), (&[2], Some(""))];
        assert_eq!(read(&pages).await, Ok(vec![1, 2]));
    }

    #[tokio::test]
    async fn a_throttled_page_is_asked_for_again_a_few_times() {
        for (throttles, calls, is_read) in [(3, 4, true), (4, 4, false)] {
            let mut count = 0;
            let read = all(LIST_ROOTS, |_| {
                count += 1;
                let throttled = AwsError::ours(ErrorClass::Throttled, LIST_ROOTS.name, "slowly");
                let page = (Some(vec![1]), None);
                std::future::ready(if count > throttles { Ok(page) } else { Err(throttled) })
            })
            .await;
            assert_eq!((read.is_ok(), count), (is_read, calls), "{throttles}");
        }
    }

    #[tokio::test]
    async fn a_token_that_repeats_is_an_error_and_not_a_loop() {
        let pages: [(&[u8], _); 2] = [(&[1], Some("a")), (&[2], Some("a"))];
        assert_eq!(read(&pages).await.unwrap_err().class, ErrorClass::Unknown);
        let pages: [(&[u8], _); 3] = [(&[1], Some("a")), (&[2], Some("b")), (&[3], Some("a"))];
        assert_eq!(read(&pages).await.unwrap_err().class, ErrorClass::Unknown);
    }
}
