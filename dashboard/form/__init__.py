"""The page Score an application: a form made from the contract, and the service's answer."""
