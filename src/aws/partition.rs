//! What differs between the partitions of AWS.

use crate::model::Region;

/// The Region that requests of Organizations are signed for: a partition has one endpoint of it
/// (`aws-facts` 4.1 and 8.4). Of a partition that is not known here, the caller's own.
///
/// The SDK chooses so, too, unless it is given an endpoint: a VPC endpoint or a proxy would be sent
/// signatures for the home Region, which AWS refuses.
pub(super) fn organizations_region(partition: &str, home: &Region) -> String {
    match partition {
        "aws" => "us-east-1",
        "aws-us-gov" => "us-gov-west-1",
        "aws-cn" => "cn-northwest-1",
        _ => home.as_str(),
    }
    .to_owned()
}
