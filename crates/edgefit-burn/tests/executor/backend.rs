//! Backends by name.

use edgefit_burn::Backend;

#[test]
fn what_is_not_built_in_is_named_with_its_feature() {
    for backend in Backend::ALL {
        assert_eq!(backend.name().parse(), Ok(backend));
    }
    let unknown = "tch".parse::<Backend>().unwrap_err();
    assert!(unknown.to_string().contains("flex, ndarray"), "{unknown}");
    #[cfg(not(feature = "cuda"))]
    assert_eq!(
        Backend::Cuda.device().unwrap_err().to_string(),
        "backend cuda is not in this build; build edgefit with `--features cuda`"
    );
}
