"""Who belongs where: rules in YAML, compiled to SQL, evaluated for whoever was touched or has come due."""
