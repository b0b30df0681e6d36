"""`samegrad hosts`: the same benchmarks on every host of an engine, each measured alone, and their files collected."""
