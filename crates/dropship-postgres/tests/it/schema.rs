//! The versions of the tables, and databases that cannot be used.

use dropship_postgres::{Address, PostgresJournal};
use dropship_store::{SharedJournal as _, StoreError};

use crate::server::database;

#[test]
fn tables_of_a_newer_version_are_refused_and_unchanged() {
    let Some(database) = database() else { return };
    database.journal();
    database.journal().end().expect("a second time nothing is created");
    let before = database.sql("SELECT encode(journal, 'hex') FROM dropship.head");
    database.sql("INSERT INTO dropship.schema (version, program) VALUES (99, '9.9.9')");
    let address = || Address::parse(&database.url()).expect("an address");
    let refused = PostgresJournal::connect(address(), None, None).map(|_| ()).expect_err("newer");
    assert!(matches!(&refused, StoreError::Newer { what } if what.contains("99")), "{refused}");
    assert_eq!(database.sql("SELECT encode(journal, 'hex') FROM dropship.head"), before);
    assert_eq!(database.sql("SELECT count(*) FROM dropship.schema"), "4");
}

#[test]
fn tables_of_the_first_version_are_brought_up_to_date() {
    let Some(database) = database() else { return };
    database.journal();
    database.sql("DROP TABLE dropship.nodes; DELETE FROM dropship.schema WHERE version > 1");
    let before = database.sql("SELECT encode(journal, 'hex') FROM dropship.head");
    database.journal();
    assert_eq!(database.sql("SELECT max(version) FROM dropship.schema"), "3");
    assert_eq!(database.sql("SELECT count(*) FROM dropship.nodes"), "0");
    assert_eq!(database.sql("SELECT encode(journal, 'hex') FROM dropship.head"), before);
}

#[test]
fn nodes_that_start_at_once_create_the_tables_once() {
    let Some(database) = database() else { return };
    std::thread::scope(|threads| {
        for _ in 0..6 {
            threads.spawn(|| database.journal());
        }
    });
    assert_eq!(database.sql("SELECT count(*) FROM dropship.schema"), "3");
}

#[test]
fn database_that_does_not_exist_is_named() {
    let Some(database) = database() else { return };
    let address = Address::parse(&format!("{}x", database.url())).expect("an address");
    let refused = PostgresJournal::connect(address, None, None).map(|_| ()).expect_err("no database");
    assert!(refused.to_string().contains("does not exist"), "{refused}");
}
