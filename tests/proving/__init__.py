"""The prover, held against engines that are broken on purpose."""
