use super::*;

#[tokio::test]
async fn every_call_is_sent_as_documented() {
    let server =
        TestServer::start(|request| match (request.method.as_str(), request.target.rsplit('/').next()) {
            ("GET", Some("" | "submissions" | "audiences" | "assets")) => {
                Reply::json(200, &json!({"value": []}))
            }
            ("POST", Some("commit" | "createpublishermetadata")) => Reply::empty(202),
            ("PATCH", _) | ("PUT", Some("cancel")) => Reply::empty(204),
            _ => Reply::json(200, &json!({"id": 1})),
        })
        .await;
    let client = server.client().with_correlation("the-job");
    let label: NewShippingLabel =
        serde_json::from_value(json!({"name": "l", "destination": "windowsUpdate"})).expect("label");
    let mut update = LabelUpdate::default();
    update.targeting.restricted_to_audiences = Some(vec![]);
    client.audiences().all().await.expect("audiences");
    client.products().all().await.expect("products");
    client.product(PRODUCT).await.expect("product");
    client.create_product(&new_product()).await.expect("create product");
    let change = ProductUpdate { product_name: Some("q".into()), ..ProductUpdate::default() };
    client.update_product(PRODUCT, &change).await.expect("update product");
    client.submissions(PRODUCT).all().await.expect("submissions");
    client.submission(PRODUCT, SUBMISSION).await.expect("submission");
    client.create_submission(PRODUCT, &new_submission()).await.expect("create submission");
    let name = SubmissionUpdate { name: "t".into() };
    client.update_submission(PRODUCT, SUBMISSION, &name).await.expect("update submission");
    client.commit(PRODUCT, SUBMISSION).await.expect("commit");
    client.create_publisher_metadata(PRODUCT, SUBMISSION).await.expect("metadata");
    client.labels(PRODUCT, SUBMISSION).all().await.expect("labels");
    client.label(PRODUCT, SUBMISSION, LABEL, true).await.expect("label");
    client.label(PRODUCT, SUBMISSION, LABEL, false).await.expect("label");
    client.create_label(PRODUCT, SUBMISSION, &label).await.expect("create label");
    client.update_label(PRODUCT, SUBMISSION, LABEL, &update).await.expect("update label");
    client.cancel_label(PRODUCT, SUBMISSION, LABEL).await.expect("cancel label");
    client.translate(27_691_110, PRODUCT, SUBMISSION).await.expect("translate");
    client.preprod_package("a b").await.expect("preproduction package");
    client.preprod_assets("p").all().await.expect("assets");
    client.preprod_asset("p", "a").await.expect("asset");
    let package = tempfile::NamedTempFile::new().expect("file");
    std::fs::write(package.path(), "bytes").expect("write");
    client.preprod_submit(package.path()).await.expect("preproduction submit");

    let requests = server.requests();
    let p = format!("/products/{PRODUCT}");
    let s = format!("{p}/submissions/{SUBMISSION}");
    let l = format!("{s}/shippingLabels/{LABEL}");
    let expected = [
        "GET /audiences -".to_owned(),
        "GET /products/ -".to_owned(),
        format!("GET {p} -"),
        "POST /products {\"productName\":\"p\",\"testHarness\":\"attestation\",\"deviceType\":\"internal\",\
         \"isTestSign\":false,\"isFlightSign\":false,\"selectedProductTypes\":{},\
         \"requestedSignatures\":[\"WINDOWS_v100_X64_CO_FULL\"]}"
            .to_owned(),
        format!("PATCH {p} {{\"productName\":\"q\"}}"),
        format!("GET {p}/submissions -"),
        format!("GET {s} -"),
        format!("POST {p}/submissions {{\"name\":\"s\",\"type\":\"initial\"}}"),
        format!("PATCH {s} {{\"name\":\"t\"}}"),
        format!("POST {s}/commit 0"),
        format!("POST {s}/createpublishermetadata 0"),
        format!("GET {s}/shippingLabels/ -"),
        format!("GET {l}?includeTargetingInfo=true -"),
        format!("GET {l} -"),
        format!("POST {s}/shippingLabels {{\"name\":\"l\",\"destination\":\"windowsUpdate\"}}"),
        format!("PATCH {l} {{\"targeting\":{{\"restrictedToAudiences\":[]}}}}"),
        format!("PUT {l}/cancel 0"),
        format!(
            "GET /products/relationships/sourcepubliherid/27691110/sourceproductid/{PRODUCT}\
             /sourcesubmissionid/{SUBMISSION} -"
        ),
        "GET /preprod/packages/a%20b -".to_owned(),
        "GET /preprod/packages/p/assets -".to_owned(),
        "GET /preprod/packages/p/assets/a -".to_owned(),
        "PUT /preprod/packages/ bytes".to_owned(),
    ];
    let shown = |request: &ReceivedRequest| {
        let path = request.target.strip_prefix("/v2.0/my/hardware").expect("the base");
        let body = match request.header("content-length") {
            None => "-".to_owned(),
            Some("0") => "0".to_owned(),
            Some(_) => request.text(),
        };
        format!("{} {path} {body}", request.method)
    };
    assert_eq!(requests.iter().map(shown).collect::<Vec<_>>(), expected);
    for request in &requests {
        assert_eq!(request.header("authorization"), Some("Bearer t0ken"));
        assert_eq!(request.header("accept"), Some("application/json"));
        assert_eq!(request.header("ms-correlationid"), Some("the-job"));
        assert_eq!(request.header("ms-requestid").map(str::len), Some(36));
        let kind = match request.header("content-length") {
            None => None,
            Some("5") => Some("application/octet-stream"),
            Some(_) => Some("application/json"),
        };
        assert_eq!(request.header("content-type"), kind, "{}", request.target);
    }
    assert_eq!(server.tokens(), 1);
}
