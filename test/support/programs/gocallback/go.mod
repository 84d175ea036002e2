module gocallback

go 1.16
