"""Pure trading rules: events, money, orders, positions, risk, strategies, engine, replay. No clock, chance, disk or network."""
