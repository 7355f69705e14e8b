//! Paths, folders, and the files that belong to one driver.

use super::cabinets::{INF, driver, driver_with, errors, facts, findings, found, image};
use crate::Level;

#[test]
fn dot_prefix_is_removed_from_facts() {
    let mut files = driver("./Drv", INF);
    files[1].0 = ".\\Drv\\d.sys".into();
    assert_eq!(found(&files), ["dot-path"]);
    let facts = facts(&files);
    let paths: Vec<&str> = facts.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths, ["Drv/d.inf", "Drv/d.sys", "Drv/d.pdb", "Drv/d.cat"]);
    assert_eq!(facts.infs[0].path, "Drv/d.inf");
    assert_eq!(facts.files[1].machine.as_deref(), Some("amd64"));
}

#[test]
fn root_file_with_dot_prefix_is_a_root_file() {
    assert_eq!(errors(&driver_with("./readme.txt", "")), ["root-files"]);
}

#[test]
fn binaries_below_the_top_folder_are_accepted() {
    let mut files = driver("Drv", INF);
    files[1].0 = "Drv/x64/d.sys".into();
    files[2].0 = "Drv/x64/d.pdb".into();
    assert_eq!(found(&files), Vec::<String>::new());
}

#[test]
fn nested_inf_without_one_at_the_top_is_an_error_that_names_it() {
    let errors = findings(&driver("Drv/x64", INF), Level::Error);
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert_eq!(errors[0].check, "inf-not-in-root");
    assert!(errors[0].message.contains("Drv/x64/d.inf"), "{}", errors[0].message);
}

#[test]
fn nested_inf_beside_one_at_the_top_is_accepted() {
    assert_eq!(errors(&driver_with("Drv/x64/x.inf", &INF.replace("d.cat", "x.cat"))), Vec::<String>::new());
}

#[test]
fn infs_of_one_folder_with_one_catalog_are_one_driver() {
    assert_eq!(found(&driver_with("Drv/x.inf", &INF.replace("d.cat", "D.CAT"))), Vec::<String>::new());
}

#[test]
fn infs_of_one_folder_with_different_catalogs_are_a_warning() {
    let files = driver_with("Drv/x.inf", &INF.replace("d.cat", "x.cat"));
    assert_eq!(found(&files), ["shared-folder", "cat-missing"]);
    assert_eq!(errors(&files), Vec::<String>::new());
}

#[test]
fn mixed_architectures_are_a_warning_only_if_all_infs_are_primitive() {
    let (head, tail) = INF.split_once("[Manufacturer]").unwrap();
    let strings = tail.split_once("[Strings]").unwrap().1;
    let primitive = |architecture: &str, catalog: &str| {
        let inf = format!("{head}[DefaultInstall.NT{architecture}]\r\nCopyFiles=x\r\n[Strings]{strings}");
        inf.replace("d.cat", catalog)
    };
    let package = |second: &str| {
        let mut other = driver("Other", second);
        other[1].1 = image(0xaa64);
        other.iter_mut().for_each(|(name, _)| *name = name.replace("/d.", "/e."));
        [driver("Drv", &primitive("amd64", "d.cat")), other].concat()
    };
    assert_eq!(found(&package(&primitive("arm64", "e.cat"))), ["mixed-architectures"]);
    assert_eq!(errors(&package(&primitive("arm64", "e.cat"))), Vec::<String>::new());
    let device = INF.replace("NTamd64", "NTarm64").replace("d.cat", "e.cat");
    assert_eq!(errors(&package(&device)), ["mixed-architectures"]);
}
