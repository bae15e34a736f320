module photonrt/bench

go 1.24
