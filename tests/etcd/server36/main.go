// etcd 3.6 for tests, made from its Go module where the distribution has none: scripts/etcd start --version 3.6.
package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() { etcdmain.Main(os.Args) }
