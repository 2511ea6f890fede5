"""How is a single column made coarser? ``treat`` applies what the contract declares; a module per kind of treatment."""
