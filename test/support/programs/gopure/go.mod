module gopure
go 1.19
