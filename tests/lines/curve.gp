# curve.gp - the table of lines-curve as a picture, for docs/team.md:
#
#	gnuplot -e "table='lines.txt'; picture='lines.svg'" curve.gp
set terminal svg size 900,640 font "sans-serif,12" background "white"
set output picture
set multiplot layout 2,2 title "A call as ranks grow: line transfers one after the other"
set logscale x 2
set xlabel "ranks"
set ylabel "transfers within a node"
set xtics (1,2,4,8,16,32,64,128,256)
set yrange [0:140]
set key top left
set grid
operations = "barrier bcast allreduce reduce"
do for [k = 1:4] {
	set title word(operations, k)
	plot for [n = 0:3] table index 4 * (k - 1) + n using 3:4 \
		with linespoints title sprintf("%d node%s", 2 ** n, n ? "s" : "")
}
unset multiplot
