//! What service control policies say, whom they shut out, and how they come to be in force.

mod documents;
mod lockouts;
mod staging;
mod steps;
mod upkeep;
mod whole;
