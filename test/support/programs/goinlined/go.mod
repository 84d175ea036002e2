module goinlined

go 1.19
