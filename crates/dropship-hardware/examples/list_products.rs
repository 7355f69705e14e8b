//! Lists the products of an account.
//!
//! ```sh
//! HARDWARE_CLIENT_SECRET_FILE=client-secret.txt \
//!     cargo run -p dropship-hardware --example list_products -- TENANT_ID CLIENT_ID [ENDPOINT [AUTHORITY]]
//! ```
#![expect(clippy::print_stdout, reason = "an example prints its result")]

use std::error::Error;
use std::path::PathBuf;

use dropship_hardware::{Client, Credential, SecretSource, Settings, settings};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let client = Client::new(settings()?)?;
    let mut count = 0;
    let mut pages = client.products();
    while let Some(page) = pages.next().await? {
        for product in page {
            println!("{}\t{}", product.id, product.product_name);
            count += 1;
        }
    }
    println!("{count} products");
    Ok(())
}

/// Settings from the command line and the environment.
fn settings() -> Result<Settings, Box<dyn Error>> {
    const USAGE: &str = "usage: list_products TENANT_ID CLIENT_ID [ENDPOINT [AUTHORITY]]";
    let mut args = std::env::args().skip(1);
    let (tenant_id, client_id) = args.next().zip(args.next()).ok_or(USAGE)?;
    let endpoint = args.next().unwrap_or_else(|| settings::ENDPOINT.to_owned());
    let authority = args.next().unwrap_or_else(|| settings::AUTHORITY.to_owned());
    let secret = std::env::var_os("HARDWARE_CLIENT_SECRET_FILE")
        .ok_or("set HARDWARE_CLIENT_SECRET_FILE to the path of a file that holds the client secret")?;
    let credential = Credential::Secret(SecretSource::File(PathBuf::from(secret)));
    Ok(Settings::new(endpoint.parse()?, authority.parse()?, tenant_id, client_id, credential))
}
